//! What traces and metrics tell of the database.

use std::{cell::LazyCell, fmt, time::Instant};

use futures_util::FutureExt;
use sea_orm::{DbBackend, DbErr, Statement};
use telemetry::conventions::ERROR_TYPE;
use tracing::{Instrument, Span, field};

use crate::{Store, metrics};

/// Something that the database is asked to do.
pub(crate) struct Operation {
    span: Span,
    module: &'static str,
    name: &'static str,
}

/// One statement. Its text has no values in it, which are bound: nobody's data are in a trace.
pub(crate) fn statement(store: &Store, statement: &Statement) -> Operation {
    // Only where somebody listens.
    let summary = LazyCell::new(|| Summary::of(&statement.sql));
    let span = tracing::debug_span!(
        "db.statement",
        otel.kind = "client",
        otel.name = %*summary,
        db.system.name = system(statement.db_backend),
        db.namespace = store.module(),
        db.operation.name = summary.operation,
        db.collection.name = summary.table,
        db.query.text = statement.sql,
        error.type = field::Empty,
    );
    let name = metrics::known(operation(&statement.sql));
    Operation { span, module: store.module(), name }
}

/// What a transaction does itself, such as `COMMIT`.
pub(crate) fn transaction(store: &Store, name: &'static str) -> Operation {
    let span = tracing::debug_span!(
        "db.transaction",
        otel.kind = "client",
        otel.name = name,
        db.system.name = system(store.database().backend()),
        db.namespace = store.module(),
        db.operation.name = name,
        error.type = field::Empty,
    );
    Operation { span, module: store.module(), name }
}

impl Operation {
    /// Times `work`, and fails with it. No `async fn`, whose future would have room for `work` twice.
    pub(crate) fn around<T>(
        self,
        work: impl Future<Output = Result<T, DbErr>>,
    ) -> impl Future<Output = Result<T, DbErr>> {
        let Self { span, module, name } = self;
        let began = Instant::now();
        work.instrument(span.clone()).inspect(move |outcome| {
            metrics::operation(module, name, began.elapsed());
            if let Err(error) = outcome {
                span.record(ERROR_TYPE, class(error));
            }
        })
    }
}

const fn system(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "postgresql",
        DbBackend::Sqlite => "sqlite",
        _ => "other_sql",
    }
}

/// The error's code where the database gives one, such as `23505`.
fn class(error: &DbErr) -> String {
    match error {
        DbErr::ConnectionAcquire(_) => "acquire".to_owned(),
        DbErr::Conn(_) => "connection".to_owned(),
        DbErr::Exec(source) | DbErr::Query(source) => {
            code(source).unwrap_or("statement".to_owned())
        }
        _ => "statement".to_owned(),
    }
}

fn code(error: &sea_orm::RuntimeErr) -> Option<String> {
    let sea_orm::RuntimeErr::SqlxError(error) = error else { return None };
    Some(error.as_database_error()?.code()?.into_owned())
}

/// What a statement does, and to which table.
#[derive(Debug, PartialEq, Eq)]
struct Summary<'s> {
    operation: &'s str,
    table: &'s str,
}

/// What a statement begins with.
fn operation(sql: &str) -> &str {
    sql.split([' ', '(']).next().unwrap_or_default()
}

impl<'s> Summary<'s> {
    /// As builders write statements: the operation first, names in double quotes. The table is the
    /// first name after `FROM`, `INTO` or `UPDATE`.
    fn of(sql: &'s str) -> Self {
        let operation = operation(sql);
        let before = match operation {
            "SELECT" | "DELETE" => " FROM \"",
            "INSERT" => " INTO \"",
            "UPDATE" => "UPDATE \"",
            _ => return Self { operation, table: "" },
        };
        let name = sql.find(before).map(|at| &sql[at + before.len()..]);
        let table = name.and_then(|name| name.split('"').next()).unwrap_or_default();
        Self { operation, table }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, table } = self;
        f.write_str(operation)?;
        if table.is_empty() { Ok(()) } else { write!(f, " {table}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, operation: &str, table: &str) {
        assert_eq!(Summary::of(sql), Summary { operation, table });
    }

    #[test]
    fn a_statement_is_known_by_what_it_does_to_which_table() {
        check(r#"SELECT "plans"."id" FROM "plans" WHERE "id" = $1"#, "SELECT", "plans");
        check(r#"INSERT INTO "outbox" ("seq") VALUES ($1)"#, "INSERT", "outbox");
        check(r#"UPDATE "users" SET "name" = $1"#, "UPDATE", "users");
        check(r#"DELETE FROM "inbox" WHERE "id" = $1"#, "DELETE", "inbox");
        check("SELECT 1", "SELECT", "");
        check("SAVEPOINT effect", "SAVEPOINT", "");
        check("", "", "");
    }
}

//! The isolation matrix: every table that the application role reaches, against every way to ask
//! for another tenant's rows.
//!
//! Two tenants have a row each in every table. A login as the application role then sends each
//! statement of `statements.rs` under each setting, and commits; a superuser, whom no policy binds,
//! looks whether the foreign rows are still what they were. So that a database which shows nobody
//! anything does not pass, the tenant must reach its own row.

mod rows;
mod statements;

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, Statement};

use self::{
    rows::{Content, Table},
    statements::{Case, Expected, THEIR_ROW, THEIR_ROW_AS_OURS},
};
use crate::{DatabaseError, PostgresDatabase, catalogue::Rows};

/// Whose row a test asks for.
const OURS: &str = "00000000-0000-4000-8000-00000000000a";
/// Whose row it must not get.
const THEIRS: &str = "00000000-0000-4000-8000-00000000000b";

/// What became of the matrix.
#[derive(Debug, Default)]
pub struct Matrix {
    /// How many statements were sent.
    pub cases: usize,
    /// What showed or changed a foreign row, or kept the tenant from its own.
    pub breaches: Vec<String>,
}

/// Runs the matrix over `tables` of `module`, as [`catalogue::tables`](crate::catalogue::tables)
/// names them. What was in them is gone afterwards.
///
/// # Errors
/// The server's, other than refusals of what is tried.
pub async fn matrix(
    database: &PostgresDatabase,
    module: &str,
    tables: &BTreeMap<String, Rows>,
) -> Result<Matrix, DatabaseError> {
    let superuser = database.superuser().await?;
    let mut matrix = Matrix::default();
    for (name, rows) in tables {
        let Some(column) = rows.tenant_column() else { continue };
        let only_adds = matches!(rows, Rows::LeftByTenants { .. });
        let table = Table::read(&superuser, module, name, column, only_adds).await;
        let table = table.map_err(DatabaseError::Server)?;
        // A connection of its own, on which the setting was never made.
        let app = database.login(&format!("{module}_app")).await?;
        let mut trial = Trial { superuser: &superuser, app: &app, table: &table, filled: None };
        for case in statements::all(&table) {
            let breach = trial.attempt(&case).await.map_err(DatabaseError::Server)?;
            matrix.cases += 1;
            matrix.breaches.extend(breach);
        }
    }
    Ok(matrix)
}

/// One table under trial.
struct Trial<'a> {
    superuser: &'a DatabaseConnection,
    app: &'a DatabaseConnection,
    table: &'a Table,
    /// What is in it, while it is what it should begin with.
    filled: Option<Filled>,
}

/// One row of each tenant.
struct Filled {
    content: Content,
    their_row: String,
    their_row_as_ours: String,
}

impl Trial<'_> {
    /// Sends one statement, and says what it did that it must not do.
    async fn attempt(&mut self, case: &Case) -> Result<Option<String>, DbErr> {
        let (superuser, table) = (self.superuser, self.table);
        let filled = match self.filled.take() {
            Some(filled) => filled,
            None => {
                table.fill(superuser).await?;
                Filled {
                    content: table.content(superuser).await?,
                    their_row: table.their_row(superuser, THEIRS).await?,
                    their_row_as_ours: table.their_row(superuser, OURS).await?,
                }
            }
        };
        let statement = case.statement.replace(THEIR_ROW, &filled.their_row);
        let statement = statement.replace(THEIR_ROW_AS_OURS, &filled.their_row_as_ours);
        let sent = send(self.app, case.setting.as_deref(), &statement).await;
        let after = table.content(superuser).await?;
        let wrong = wrong(case.expected, &sent, &filled.content, &after);
        if after == filled.content {
            self.filled = Some(filled);
        }
        Ok(wrong.map(|wrong| format!("{}: {} {wrong}", table.name, case.shown())))
    }
}

/// What a statement has done that it must not do.
fn wrong(
    expected: Expected,
    sent: &Result<Vec<Option<String>>, DbErr>,
    before: &Content,
    after: &Content,
) -> Option<String> {
    let seen: Vec<&String> = sent.as_deref().unwrap_or_default().iter().flatten().collect();
    if seen.iter().any(|tenant| *tenant != OURS) || before.theirs != after.theirs {
        return Some(format!("reached a foreign row: saw {seen:?}, left {:?}", after.theirs));
    }
    // A statement that makes no sense would be refused whatever the policies are.
    if let Err(error) = sent
        && is_senseless(error)
    {
        return Some(format!("makes no sense: {error}"));
    }
    match expected {
        Expected::Nothing if !seen.is_empty() || before.ours != after.ours => {
            Some("reached a row that it should not".to_owned())
        }
        Expected::OwnRow if seen.is_empty() => {
            Some(format!("did not reach the tenant's own row: {sent:?}"))
        }
        Expected::OneMore
            if after.ours.len() != before.ours.len() + 1
                && !sent.as_ref().is_err_and(is_constraint) =>
        {
            Some(format!("did not add a row of the tenant's own: {sent:?}"))
        }
        _ => None,
    }
}

/// The tenants of the rows that the statement returned.
async fn send(
    app: &DatabaseConnection,
    setting: Option<&str>,
    statement: &str,
) -> Result<Vec<Option<String>>, DbErr> {
    app.execute_unprepared("BEGIN").await?;
    let sent = async {
        if let Some(setting) = setting {
            app.execute_unprepared(setting).await?;
        }
        let rows =
            app.query_all_raw(Statement::from_string(DbBackend::Postgres, statement)).await?;
        rows.iter().map(|row| row.try_get_by_index(0)).collect()
    };
    let sent: Result<_, DbErr> = sent.await;
    app.execute_unprepared(if sent.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    sent
}

/// Whether the server found no meaning in a statement: "syntax error or access rule violation"
/// but for the access, or "feature not supported".
fn is_senseless(error: &DbErr) -> bool {
    const REFUSED: &str = "42501";
    match code(error).as_deref() {
        Some(code) => code != REFUSED && code.starts_with("42") || code == "0A000",
        // The matrix itself did not understand the answer.
        None => true,
    }
}

/// Whether a key or another constraint of the table was in the way.
fn is_constraint(error: &DbErr) -> bool {
    code(error).is_some_and(|code| code.starts_with("23"))
}

fn code(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))
    | DbErr::Conn(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    error.as_database_error()?.code().map(|code| code.into_owned())
}

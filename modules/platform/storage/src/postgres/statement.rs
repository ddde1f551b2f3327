//! Statements on their way to a connection, with the tenant they are for.

use kernel::TenantId;
use sea_orm::{
    QueryResult, Statement, Value,
    sea_query::{Expr, Values},
    sqlx::{
        self, AssertSqlSafe, Error, PgConnection, Postgres, postgres::PgQueryResult, query::Query,
    },
};
use sea_query_sqlx::SqlxValues;

use super::{TENANT_SETTING, pool::Naming};

/// The part of a statement that tells the database whose rows it is about. No table has this name.
const SCOPE: &str = "ashlar_scope";

/// Sets the tenant for the rest of the transaction.
pub(super) fn set(tenant: TenantId) -> String {
    // A UUID's text needs no quoting.
    format!("SELECT set_config('{TENANT_SETTING}', '{}', true)", tenant.0)
}

/// The tenant that [`carrying`] brings along, as a filter of the statement names it.
pub(crate) fn carried_tenant() -> Expr {
    Expr::col((SCOPE, "tenant"))
}

/// Makes `select`, whose filters name [`carried_tenant`], carry its tenant to the database: the
/// setting is made, and the rows are read under it, in one statement, which is a transaction of
/// its own.
///
/// The filter refers to the scope, so that the scope is evaluated first; `OFFSET 0` keeps the
/// planner from flattening the select. Were the order ever another, the policies would see no
/// tenant and return no row.
pub(super) fn carrying(select: Statement, tenant: TenantId) -> Statement {
    let Statement { sql, values, db_backend } = select;
    let mut values = values.unwrap_or(Values(Vec::new()));
    values.0.push(Value::from(tenant.0.to_string()));
    let place = values.0.len();
    let sql = format!(
        "WITH {SCOPE} AS MATERIALIZED \
         (SELECT set_config('{TENANT_SETTING}', ${place}, true)::uuid AS tenant) \
         SELECT found.* FROM {SCOPE} CROSS JOIN LATERAL ({sql} OFFSET 0) AS found"
    );
    Statement { sql, values: Some(values), db_backend }
}

pub(super) async fn execute(
    connection: &mut PgConnection,
    statement: &Statement,
    naming: Naming,
) -> Result<PgQueryResult, Error> {
    prepared(statement, naming)?.execute(connection).await
}

pub(super) async fn query(
    connection: &mut PgConnection,
    statement: &Statement,
    naming: Naming,
) -> Result<Vec<QueryResult>, Error> {
    let rows = prepared(statement, naming)?.fetch_all(connection).await?;
    Ok(rows.into_iter().map(QueryResult::from).collect())
}

fn prepared(
    statement: &Statement,
    naming: Naming,
) -> Result<Query<'_, Postgres, SqlxValues>, Error> {
    let values = statement.values.clone().unwrap_or(Values(Vec::new()));
    if values.0.len() > usize::from(u16::MAX) {
        // The driver would call it a failure of the connection.
        let message = format!("{} values are more than a statement can bind", values.0.len());
        return Err(Error::Encode(message.into()));
    }
    // The text is what the builders made; what callers gave is bound.
    let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values));
    Ok(query.persistent(naming == Naming::Named))
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_read_brings_its_tenant_along() {
        let select = Statement::from_sql_and_values(
            DbBackend::Postgres,
            r#"SELECT "a" FROM "t" WHERE "t"."tenant_id" = "ashlar_scope"."tenant" AND "id" = $1 LIMIT $2"#,
            [Value::from(7), Value::from(1_u64)],
        );
        let tenant = TenantId(Uuid::from_u128(5));
        let carrying = carrying(select, tenant);
        assert_eq!(
            carrying.sql,
            "WITH ashlar_scope AS MATERIALIZED \
             (SELECT set_config('app.current_tenant_id', $3, true)::uuid AS tenant) \
             SELECT found.* FROM ashlar_scope CROSS JOIN LATERAL (\
             SELECT \"a\" FROM \"t\" WHERE \"t\".\"tenant_id\" = \"ashlar_scope\".\"tenant\" \
             AND \"id\" = $1 LIMIT $2 OFFSET 0) AS found"
        );
        let bound = carrying.values.expect("values").0;
        assert_eq!(bound[2], Value::from("00000000-0000-0000-0000-000000000005"));
    }
}

//! What the catalogue of PostgreSQL says of a module's schema: whose rows each table holds, what is
//! wrong with it, and all that there is, to be compared.
//!
//! One walk for all modules: each `*-migrations` crate runs it over its own schema.

mod dump;
mod rules;

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

pub use dump::dump;

/// Whose rows a table holds, as far as the database enforces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The tenant's in this column; it reads and writes them.
    Tenants {
        /// Such as `tenant_id`.
        column: String,
    },
    /// The tenant's in this column; it adds them and never sees them again.
    LeftByTenants {
        /// Such as `tenant_id`.
        column: String,
    },
    /// Nobody's that the application role could reach.
    Global,
}

impl Rows {
    /// The column that names the tenant, where the application role reaches the table at all.
    #[must_use]
    pub fn tenant_column(&self) -> Option<&str> {
        match self {
            Self::Tenants { column } | Self::LeftByTenants { column } => Some(column),
            Self::Global => None,
        }
    }
}

/// The tables of `module`'s schema, without the one that remembers migrations.
///
/// # Errors
/// The database's.
pub async fn tables<C: ConnectionTrait>(
    superuser: &C,
    module: &str,
) -> Result<BTreeMap<String, Rows>, DbErr> {
    let select = format!(
        "SELECT held.relname AS name, policy.polcmd = 'a' AS only_adds, {column} AS column_name \
         FROM pg_class AS held LEFT JOIN pg_policy AS policy ON policy.polrelid = held.oid \
         AND policy.polroles = ARRAY[to_regrole('\"{module}_app\"')::oid] \
         WHERE held.relnamespace = to_regnamespace('\"{module}\"') \
         AND held.relkind IN ('r', 'p') AND held.relname <> 'seaql_migrations' ORDER BY 1",
        column = rules::column_of("COALESCE(policy.polqual, policy.polwithcheck)")
    );
    let mut tables = BTreeMap::new();
    for row in ask(superuser, &select).await? {
        let name: String = row.try_get("", "name")?;
        let only_adds: Option<bool> = row.try_get("", "only_adds")?;
        let column: Option<String> = row.try_get("", "column_name")?;
        let rows = match (column, only_adds) {
            (Some(column), Some(true)) => Rows::LeftByTenants { column },
            (Some(column), _) => Rows::Tenants { column },
            (None, _) => Rows::Global,
        };
        tables.insert(name, rows);
    }
    Ok(tables)
}

/// What is wrong with `module`'s schema, a sentence for each; none where it is as it must be. All
/// of these are looked for:
///
/// - a table that the application role reaches without row-level security, enabled and forced, or
///   by another policy than the one that compares a UUID with the tenant's setting, for reading
///   and for writing;
/// - a table of tenants without an index that begins with the tenant (one that tenants only add
///   to is not searched by tenant, and needs none);
/// - a table that no role of the program reaches: somebody forgot to say whose it is;
/// - a foreign key into or out of the schema;
/// - what is owned by another than the owner; a view or a function, which would run as its owner;
/// - rights beyond reading and writing rows (`TRUNCATE` asks no policy), rights on single columns,
///   for the public, for a foreign role, or to be passed on;
/// - a role that is above the policies, may make things, or is a member of what it should not be.
///
/// # Errors
/// The database's.
pub async fn faults<C: ConnectionTrait>(superuser: &C, module: &str) -> Result<Vec<String>, DbErr> {
    let mut faults = Vec::new();
    for rule in rules::all(module) {
        for row in ask(superuser, &rule).await? {
            faults.push(row.try_get("", "fault")?);
        }
    }
    Ok(faults)
}

async fn ask<C: ConnectionTrait>(connection: &C, select: &str) -> Result<Vec<QueryResult>, DbErr> {
    connection.query_all_raw(Statement::from_string(DbBackend::Postgres, select)).await
}

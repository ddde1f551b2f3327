//! Who may see what of a table: for migrations. On the embedded engine, where the builders alone
//! filter, none of this does anything.
//!
//! *Invariant*: a table that no migration gives to a role can be read by none. What was forgotten
//! fails with *permission denied* rather than showing all tenants' rows.

use sea_orm_migration::{
    SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, DbErr},
};

use crate::postgres::TENANT_SETTING;

/// What the system role may do with the rows of all tenants in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Nothing.
    None,
    /// Read them: what is found by something other than the tenant.
    Reads,
    /// Read and write them.
    Writes,
}

/// Gives the rows of `table` to the tenant in its column `tenant_id`, by row-level security, and
/// says what the system role may do. Call it in the migration that creates the table.
///
/// # Errors
/// The database's.
pub async fn tenant_table(
    manager: &SchemaManager<'_>,
    table: &str,
    system: System,
) -> Result<(), DbErr> {
    rows_of(manager, table, "tenant_id", system).await
}

/// As [`tenant_table`], where another column names the tenant.
///
/// # Errors
/// The database's.
pub async fn rows_of(
    manager: &SchemaManager<'_>,
    table: &str,
    tenant_column: &str,
    system: System,
) -> Result<(), DbErr> {
    let own = own_rows(tenant_column);
    let mut script = format!(
        "ALTER TABLE \"{table}\" ENABLE ROW LEVEL SECURITY; \
         ALTER TABLE \"{table}\" FORCE ROW LEVEL SECURITY; \
         EXECUTE format('CREATE POLICY tenant_rows ON \"{table}\" TO %I \
         USING ({own}) WITH CHECK ({own})', app); "
    );
    script += &grant(table, "app", "SELECT, INSERT, UPDATE, DELETE");
    script += &for_system(table, system);
    on_postgres(manager, &script).await
}

/// Says what the system role may do with a table that was a tenant's alone so far: for a later
/// migration.
///
/// # Errors
/// The database's.
pub async fn give_to_system(
    manager: &SchemaManager<'_>,
    table: &str,
    system: System,
) -> Result<(), DbErr> {
    on_postgres(manager, &for_system(table, system)).await
}

/// Undoes [`give_to_system`].
///
/// # Errors
/// The database's.
pub async fn take_from_system(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let script = format!(
        "DROP POLICY IF EXISTS system_reads ON \"{table}\"; \
         DROP POLICY IF EXISTS system_rows ON \"{table}\"; \
         EXECUTE format('REVOKE ALL ON \"{table}\" FROM %I', system); "
    );
    on_postgres(manager, &script).await
}

fn for_system(table: &str, system: System) -> String {
    match system {
        System::None => String::new(),
        System::Reads => {
            format!(
                "EXECUTE format('CREATE POLICY system_reads ON \"{table}\" FOR SELECT TO %I \
                 USING (true)', system); "
            ) + &grant(table, "system", "SELECT")
        }
        System::Writes => {
            format!(
                "EXECUTE format('CREATE POLICY system_rows ON \"{table}\" TO %I \
                 USING (true) WITH CHECK (true)', system); "
            ) + &grant(table, "system", "SELECT, INSERT, UPDATE, DELETE")
        }
    }
}

/// Lets a tenant add rows of its own to `table` and never see them again: for what the system
/// takes on from there.
///
/// # Errors
/// The database's.
pub(crate) async fn left_by_tenants(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let own = own_rows("tenant_id");
    let script = format!(
        "ALTER TABLE \"{table}\" ENABLE ROW LEVEL SECURITY; \
         ALTER TABLE \"{table}\" FORCE ROW LEVEL SECURITY; \
         EXECUTE format('CREATE POLICY tenant_rows ON \"{table}\" FOR INSERT TO %I \
         WITH CHECK ({own})', app); \
         EXECUTE format('CREATE POLICY system_rows ON \"{table}\" TO %I \
         USING (true) WITH CHECK (true)', system); "
    );
    let script = script
        + &grant(table, "app", "INSERT")
        + &grant(table, "system", "SELECT, INSERT, UPDATE, DELETE");
    on_postgres(manager, &script).await
}

/// Gives `table`, whose rows belong to no tenant, to the system role.
///
/// # Errors
/// The database's.
pub async fn global_table(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    on_postgres(manager, &grant(table, "system", "SELECT, INSERT, UPDATE, DELETE")).await
}

/// The condition that a policy puts on rows, quoted to stand within quotes. The setting is NULL
/// before it was ever made on a connection and empty after the transaction it was made in; neither
/// is anybody's.
fn own_rows(tenant_column: &str) -> String {
    format!("\"{tenant_column}\" = NULLIF(current_setting(''{TENANT_SETTING}'', true), '''')::uuid")
}

fn grant(table: &str, role: &str, rights: &str) -> String {
    let on_table = format!("EXECUTE format('GRANT {rights} ON \"{table}\" TO %I', {role}); ");
    if !rights.contains("INSERT") {
        return on_table;
    }
    // A column that counts by itself has a sequence, which must be granted too.
    on_table
        + &format!(
            "FOR counter IN SELECT pg_get_serial_sequence('\"{table}\"', attname) FROM pg_attribute \
             WHERE attrelid = '\"{table}\"'::regclass AND attnum > 0 AND NOT attisdropped LOOP \
             IF counter IS NOT NULL THEN \
             EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %I', counter, {role}); END IF; \
             END LOOP; "
        )
}

/// Runs the body of a PL/pgSQL block, which knows `app` and `system`, the names of the module's roles:
/// they are named after the schema, which is named after the module.
pub(crate) async fn on_postgres(manager: &SchemaManager<'_>, script: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let block = format!(
        "DO $$ DECLARE app text := current_schema() || '_app'; \
         system text := current_schema() || '_system'; counter text; \
         BEGIN {script} END $$"
    );
    connection.execute_unprepared(&block).await.map(drop)
}

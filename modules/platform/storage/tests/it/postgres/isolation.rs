//! The isolation matrix over the platform's tables, and that it tells where they are not isolated.

use databases::{
    catalogue,
    isolation::{self, Matrix},
};

use super::{Notes, run};

async fn matrix_after(sabotage: &str, only: &str) -> Matrix {
    let notes = Notes::new().await;
    let superuser = notes.superuser().await;
    let mut tables = catalogue::tables(&superuser, "notes").await.expect("the catalogue");
    tables.retain(|name, _| only.is_empty() || name == only);
    run(&superuser, sabotage).await;
    isolation::matrix(&notes.database, "notes", &tables).await.expect("the matrix")
}

#[tokio::test]
async fn no_table_shows_or_changes_a_foreign_row() {
    let matrix = matrix_after("", "").await;
    assert_eq!(matrix.breaches, Vec::<String>::new());
    // Six tables, each with well over a hundred statements.
    assert!(matrix.cases > 800, "{}", matrix.cases);
}

async fn check_reports(sabotage: &str, table: &str, expected: &str) {
    let matrix = matrix_after(sabotage, table).await;
    assert!(
        matrix.breaches.iter().any(|breach| breach.contains(expected)),
        "{sabotage}: {:?}",
        matrix.breaches
    );
}

#[tokio::test]
async fn a_dropped_policy_is_reported() {
    // Without any policy nobody sees anything, the tenant its own rows neither.
    check_reports("DROP POLICY tenant_rows ON notes.notes", "notes", "own row").await;
}

#[tokio::test]
async fn disabled_row_level_security_is_reported() {
    let sabotage = "ALTER TABLE notes.notes DISABLE ROW LEVEL SECURITY";
    check_reports(sabotage, "notes", "no setting (without a setting; SELECT").await;
    check_reports(sabotage, "notes", "the tenant's setting").await;
    check_reports(sabotage, "notes", "a garbage setting").await;
    check_reports(sabotage, "notes", "one statement").await;
}

#[tokio::test]
async fn a_policy_that_lets_all_read_is_reported() {
    let sabotage = "ALTER POLICY tenant_rows ON notes.counters USING (true)";
    check_reports(sabotage, "counters", "SELECT").await;
    check_reports(sabotage, "counters", "DELETE").await;
}

#[tokio::test]
async fn a_policy_that_lets_all_write_is_reported() {
    let sabotage = "ALTER POLICY tenant_rows ON notes.counters WITH CHECK (true)";
    check_reports(sabotage, "counters", "INSERT").await;
    check_reports(sabotage, "counters", "UPDATE").await;
}

#[tokio::test]
async fn one_policy_too_many_is_reported() {
    let sabotage = "CREATE POLICY support ON notes.notes TO notes_app USING (stars >= 0)";
    check_reports(sabotage, "notes", "reached a foreign row").await;
}

#[tokio::test]
async fn an_outbox_that_tenants_can_read_is_reported() {
    let sabotage = "CREATE POLICY reads ON notes.outbox FOR SELECT TO notes_app USING (true); \
                    GRANT SELECT ON notes.outbox TO notes_app";
    check_reports(sabotage, "outbox", "reached a foreign row").await;
}

/// A setting that is empty and one that was never made differ to PostgreSQL.
#[tokio::test]
async fn a_policy_that_takes_an_empty_setting_for_all_is_reported() {
    let sabotage = "ALTER POLICY tenant_rows ON notes.notes USING \
                    (COALESCE(current_setting('app.current_tenant_id', true), '') = '' OR \
                    tenant_id = NULLIF(current_setting('app.current_tenant_id', true), '')::uuid)";
    check_reports(sabotage, "notes", "an empty setting").await;
    check_reports(sabotage, "notes", "no setting").await;
}

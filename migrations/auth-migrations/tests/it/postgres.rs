//! The schema on PostgreSQL, where the database itself keeps tenants apart.

use auth_migrations::Migrator;
use databases::SchemaContract;

const SCHEMA: SchemaContract = SchemaContract {
    module: "auth",
    of_tenants: &[
        ("tenants", "id"),
        ("memberships", "tenant_id"),
        ("audit_log", "tenant_id"),
        ("sessions", "tenant_id"),
        ("refresh_tokens", "tenant_id"),
        ("invitations", "tenant_id"),
    ],
    global: &["users", "verification_tokens", "sign_ins"],
};

#[tokio::test]
async fn the_catalogue_has_no_fault_and_each_table_is_whose_it_should_be() {
    SCHEMA.check_catalogue::<Migrator>().await;
}

#[tokio::test]
async fn no_table_shows_or_changes_a_foreign_row() {
    SCHEMA.check_isolation::<Migrator>().await;
}

#[tokio::test]
async fn a_dropped_policy_is_reported() {
    SCHEMA.check_dropped_policy::<Migrator>("memberships").await;
}

#[tokio::test]
async fn down_and_up_again_is_the_same_schema() {
    SCHEMA.check_down_and_up::<Migrator>().await;
}

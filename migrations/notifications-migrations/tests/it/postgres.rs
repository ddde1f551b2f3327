//! The schema on PostgreSQL, where the database itself keeps tenants apart.

use databases::SchemaContract;
use notifications_migrations::Migrator;

const SCHEMA: SchemaContract = SchemaContract {
    module: "notifications",
    of_tenants: &[
        ("notifications", "tenant_id"),
        ("notification_reads", "tenant_id"),
        ("mails", "tenant_id"),
    ],
    global: &[],
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
    SCHEMA.check_dropped_policy::<Migrator>("mails").await;
}

#[tokio::test]
async fn down_and_up_again_is_the_same_schema() {
    SCHEMA.check_down_and_up::<Migrator>().await;
}

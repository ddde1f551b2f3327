//! The schema on PostgreSQL, where the database itself keeps tenants apart.

use billing_migrations::Migrator;
use databases::SchemaContract;

const SCHEMA: SchemaContract = SchemaContract {
    module: "billing",
    of_tenants: &[
        ("accounts", "tenant_id"),
        ("seats", "tenant_id"),
        ("subscriptions", "tenant_id"),
        ("invoices", "tenant_id"),
        ("invoice_lines", "tenant_id"),
        ("charges", "tenant_id"),
        ("payment_customers", "tenant_id"),
        ("usage_events", "tenant_id"),
        ("usage_totals", "tenant_id"),
    ],
    global: &["webhook_events"],
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
    SCHEMA.check_dropped_policy::<Migrator>("invoices").await;
}

#[tokio::test]
async fn down_and_up_again_is_the_same_schema() {
    SCHEMA.check_down_and_up::<Migrator>().await;
}

//! The schema on PostgreSQL, where the database itself keeps tenants apart.

use auth_migrations::Migrator;
use databases::{
    PostgresDatabase,
    catalogue::{self, Rows},
    isolation,
};
use sea_orm_migration::{MigratorTrait, sea_orm::ConnectionTrait};
use storage::{Passwords, PostgresSchema};

const MODULE: &str = "auth";

/// The module's tables of tenants, with the column that names the tenant.
const OF_TENANTS: [(&str, &str); 6] = [
    ("tenants", "id"),
    ("memberships", "tenant_id"),
    ("audit_log", "tenant_id"),
    ("sessions", "tenant_id"),
    ("refresh_tokens", "tenant_id"),
    ("invitations", "tenant_id"),
];

/// The tables that no tenant's call reaches, besides the platform's.
const GLOBAL: [&str; 3] = ["users", "verification_tokens", "sign_ins"];

async fn database() -> PostgresDatabase {
    let superuser = databases::required_superuser();
    PostgresDatabase::new::<Migrator>(&superuser, MODULE).await.expect("a database")
}

#[tokio::test]
async fn the_catalogue_has_no_fault_and_each_table_is_whose_it_should_be() {
    let database = database().await;
    let superuser = database.superuser().await.expect("a superuser");
    let faults = catalogue::faults(&superuser, MODULE).await.expect("the catalogue");
    assert_eq!(faults, Vec::<String>::new());
    let mut tables = catalogue::tables(&superuser, MODULE).await.expect("the catalogue");
    for (name, column) in OF_TENANTS {
        let expected = Rows::Tenants { column: column.to_owned() };
        assert_eq!(tables.remove(name), Some(expected), "{name}");
    }
    for name in GLOBAL {
        assert_eq!(tables.remove(name), Some(Rows::Global), "{name}");
    }
    let of_the_platform: Vec<_> = tables.into_keys().collect();
    let expected = ["call_records", "idempotency_keys", "inbox", "lanes", "outbox", "scheduled"];
    assert_eq!(of_the_platform, expected, "and there are no others");
}

#[tokio::test]
async fn no_table_shows_or_changes_a_foreign_row() {
    let database = database().await;
    let superuser = database.superuser().await.expect("a superuser");
    let tables = catalogue::tables(&superuser, MODULE).await.expect("the catalogue");
    let matrix = isolation::matrix(&database, MODULE, &tables).await.expect("the matrix");
    assert_eq!(matrix.breaches, Vec::<String>::new());
    assert!(matrix.cases > 100 * OF_TENANTS.len(), "{}", matrix.cases);
}

#[tokio::test]
async fn a_dropped_policy_is_reported() {
    let database = database().await;
    let superuser = database.superuser().await.expect("a superuser");
    let mut tables = catalogue::tables(&superuser, MODULE).await.expect("the catalogue");
    tables.retain(|name, _| name == "memberships");
    let sabotage = "DROP POLICY tenant_rows ON auth.memberships";
    superuser.execute_unprepared(sabotage).await.expect("done");
    let faults = catalogue::faults(&superuser, MODULE).await.expect("the catalogue");
    assert!(faults.iter().any(|fault| fault.contains("memberships")), "{faults:?}");
    let matrix = isolation::matrix(&database, MODULE, &tables).await.expect("the matrix");
    assert!(matrix.breaches.len() > 5, "{:?}", matrix.breaches);
}

#[tokio::test]
async fn down_and_up_again_is_the_same_schema() {
    let database = database().await;
    let superuser = database.superuser().await.expect("a superuser");
    let first = catalogue::dump(&superuser, MODULE).await.expect("the catalogue");
    let url = database.superuser_url();
    let schema = PostgresSchema::connect(&url, MODULE, Passwords::default()).await;
    let schema = schema.expect("a schema");
    let all = u32::try_from(Migrator::migrations().len()).expect("a few");
    for steps in (1..=all).rev() {
        let down = schema.down::<Migrator>(steps).await.expect("down");
        assert_eq!(down.migrations.len(), steps as usize);
        schema.up::<Migrator>().await.expect("up again");
        let again = catalogue::dump(&superuser, MODULE).await.expect("the catalogue");
        assert_eq!(again, first, "after {steps} steps");
    }
    schema.down::<Migrator>(all).await.expect("down");
    let tables = catalogue::tables(&superuser, MODULE).await.expect("the catalogue");
    assert!(tables.is_empty(), "{tables:?}");
}

//! Every migration goes up, down, and up again to the same schema.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;

use crate::entities::Migrator;

async fn schema(database: &DatabaseConnection) -> Vec<(String, String)> {
    let sql = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' \
               AND name <> 'seaql_migrations' ORDER BY name";
    let rows = database.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await;
    rows.expect("the schema")
        .iter()
        .map(|row| {
            let column = |name| row.try_get::<String>("", name).expect("text");
            (column("name"), column("sql"))
        })
        .collect()
}

#[tokio::test]
async fn they_are_reversible() {
    let database = Database::connect("sqlite::memory:").await.expect("a database");
    Migrator::up(&database, None).await.expect("up");
    let first = schema(&database).await;
    for table in ["outbox", "inbox", "scheduled", "lanes", "call_records", "idempotency_keys"] {
        assert!(first.iter().any(|(name, _)| name == table), "{table} is missing");
    }
    Migrator::down(&database, None).await.expect("down");
    assert_eq!(schema(&database).await, []);
    Migrator::up(&database, None).await.expect("up again");
    assert_eq!(schema(&database).await, first);
}

#[tokio::test]
async fn each_step_is_reversible() {
    let database = Database::connect("sqlite::memory:").await.expect("a database");
    // The embedded engine has nothing to change there.
    const OF_POSTGRES_ALONE: [&str; 1] = ["platform_0005_number_by_transaction"];
    for step in storage::migrations() {
        let before = schema(&database).await;
        Migrator::up(&database, Some(1)).await.expect("up");
        let after = schema(&database).await;
        assert_eq!(before == after, OF_POSTGRES_ALONE.contains(&step.name()), "{}", step.name());
        Migrator::down(&database, Some(1)).await.expect("down");
        assert_eq!(schema(&database).await, before);
        Migrator::up(&database, Some(1)).await.expect("up again");
        assert_eq!(schema(&database).await, after);
    }
}

/// Databases remember these names.
#[test]
fn their_names_are_unique_and_stay() {
    let migrations = storage::migrations();
    let names: Vec<_> = migrations.iter().map(|migration| migration.name()).collect();
    assert_eq!(
        names,
        [
            "platform_0001_create_outbox",
            "platform_0002_create_inbox",
            "platform_0003_create_call_records",
            "platform_0004_index_unsent",
            "platform_0005_number_by_transaction",
            "platform_0006_index_open",
        ]
    );
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

//! The schema can be taken down again, and put up after that.

mod postgres;

use std::collections::BTreeSet;

use billing_migrations::Migrator;
use sea_orm_migration::{
    MigratorTrait,
    sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement},
};

#[tokio::test]
async fn goes_up_down_and_up() {
    // A database in memory lives in its connection.
    let options = ConnectOptions::new("sqlite::memory:").max_connections(1).to_owned();
    let database = Database::connect(options).await.expect("a database");
    Migrator::up(&database, None).await.expect("up");
    let first = objects(&database).await;
    assert!(first.iter().any(|name| name == "subscriptions_one_live"), "{first:?}");
    Migrator::down(&database, None).await.expect("down");
    assert_eq!(objects(&database).await, BTreeSet::from(["seaql_migrations".to_owned()]));
    Migrator::up(&database, None).await.expect("up again");
    assert_eq!(objects(&database).await, first);
}

async fn objects(database: &DatabaseConnection) -> BTreeSet<String> {
    let sql = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'";
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let rows = database.query_all_raw(statement).await.expect("rows");
    rows.iter().map(|row| row.try_get("", "name").expect("a name")).collect()
}

//! The schema goes up, down and up again.

mod postgres;

use auth_migrations::Migrator;
use sea_orm_migration::{
    MigratorTrait, SchemaManager,
    sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr},
};

const TABLES: [&str; 9] = [
    "users",
    "tenants",
    "memberships",
    "verification_tokens",
    "audit_log",
    "sessions",
    "refresh_tokens",
    "sign_ins",
    "invitations",
];

async fn tables(database: &DatabaseConnection) -> Result<Vec<&'static str>, DbErr> {
    let manager = SchemaManager::new(database);
    let mut there = Vec::new();
    for table in TABLES {
        if manager.has_table(table).await? {
            there.push(table);
        }
    }
    Ok(there)
}

#[tokio::test]
async fn every_migration_can_be_undone() -> Result<(), DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    // A database in memory is its connection's own.
    options.max_connections(1);
    let database = Database::connect(options).await?;
    Migrator::up(&database, None).await?;
    assert_eq!(tables(&database).await?, TABLES);
    Migrator::down(&database, None).await?;
    assert!(tables(&database).await?.is_empty());
    Migrator::up(&database, None).await?;
    assert_eq!(tables(&database).await?, TABLES);
    Ok(())
}

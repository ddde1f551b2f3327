//! PgBouncer in front of a private PostgreSQL.

use sqlx::{Connection as _, PgConnection};

use super::{check_life, check_version};
use crate::services::{Durability, Server};

#[tokio::test]
async fn it_lives_dies_and_lives_again() {
    let postgres = Server::postgres(Durability::Fast).await.expect("PostgreSQL is installed");
    let server = Server::pgbouncer(&postgres).await.expect("PgBouncer is installed");
    check_version(&server).await;
    check_life(server).await;
}

#[tokio::test]
async fn it_lets_in_whom_the_database_knows() {
    let postgres = Server::postgres(Durability::Real).await.expect("PostgreSQL is installed");
    let mut admin = PgConnection::connect(postgres.url().expose()).await.expect("it answers");
    let made = sqlx::raw_sql("CREATE ROLE ada LOGIN PASSWORD 'lovelace'").execute(&mut admin).await;
    made.expect("the superuser may");
    let pooler = Server::pgbouncer(&postgres).await.expect("PgBouncer is installed");
    let as_ada = |password: &str| {
        let password = kernel::Secret::new(password);
        pooler.spec().address().by("ada", Some(&password)).in_clear()
    };
    PgConnection::connect(&as_ada("lovelace")).await.expect("the database knows her");
    PgConnection::connect(&as_ada("byron")).await.expect_err("it is not her password");
}

#[tokio::test]
async fn it_is_for_postgresql_alone() {
    let redis = Server::redis().await.expect("Redis is installed");
    let error = Server::pgbouncer(&redis).await.expect_err("it is no database");
    assert_eq!(error.to_string(), "PgBouncer is for PostgreSQL, not for Redis");
}

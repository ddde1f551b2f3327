use databases::PostgresDatabase;
use sea_orm::ConnectionTrait as _;
use tokio::runtime::Handle;

use crate::{
    PostgresConfig, StoreError,
    postgres::{errors, pool::failed, roles::Login},
};

use super::*;

/// One connection of a role that has nothing.
async fn pool() -> (PostgresDatabase, Pool) {
    let database = PostgresDatabase::empty(&databases::required_superuser()).await;
    let database = database.expect("a database");
    let superuser = database.superuser().await.expect("a superuser");
    let role = "DO $$ BEGIN CREATE ROLE leases_app LOGIN; \
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";
    superuser.execute_unprepared(role).await.expect("a role");
    // The crate that lends the database knows this one as another.
    let config = PostgresConfig { connections: 1, ..PostgresConfig::new(database.config().url) };
    let pool = Pool::new("leases", &config, Login::App, Handle::current()).expect("a pool");
    (database, pool)
}

async fn given_up(pool: &Pool) -> Lease {
    let mut lease = pool.begin("BEGIN", &mut pool.tries()).await.expect("a transaction");
    lease.send("SELECT 1 / 0").await.expect_err("no number");
    lease
}

#[tokio::test]
async fn a_transaction_that_the_server_has_given_up_is_not_committed() {
    let (_database, pool) = pool().await;
    // What a commit must not be taken for.
    given_up(&pool).await.send("COMMIT").await.expect("the server calls it well");
    let refused = given_up(&pool).await.commit().await.expect_err("it is given up");
    let refused = errors::explain_commit("leases", failed(refused));
    assert!(matches!(refused, StoreError::Aborted { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_rollback_is_the_end() {
    let (_database, pool) = pool().await;
    given_up(&pool).await.roll_back().await.expect("rolled back");
    let lease = pool.lease(&pool.tries()).await.expect("the connection");
    assert_eq!(lease.state, State::Clean);
}

#[tokio::test]
async fn what_is_sent_over_a_lost_connection_fails_at_once() {
    let (_database, pool) = pool().await;
    let mut lease = pool.begin("BEGIN", &mut pool.tries()).await.expect("a transaction");
    let end = "SELECT pg_terminate_backend(pg_backend_pid())";
    let lost = lease.send(end).await.expect_err("it ends itself");
    assert!(is_lost(&lost), "{lost:?}");
    assert_eq!(lease.state, State::Lost);
    assert!(is_lost(&lease.send("SELECT 1").await.expect_err("it is lost")));
    drop(lease);
    pool.begin("BEGIN", &mut pool.tries()).await.expect("another connection");
}

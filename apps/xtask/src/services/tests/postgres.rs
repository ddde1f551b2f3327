//! Private PostgreSQL.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use super::{check_life, check_version};
use crate::services::{Durability, Server, book::Book};

async fn connect(server: &Server) -> PgConnection {
    PgConnection::connect(server.url().expose()).await.expect("it answers")
}

#[tokio::test]
async fn it_lives_dies_and_lives_again() {
    let server = Server::postgres(Durability::Fast).await.expect("PostgreSQL is installed");
    check_version(&server).await;
    check_life(server).await;
}

#[tokio::test]
async fn what_was_committed_survives_a_kill_with_clients_at_work() {
    let mut server = Server::postgres(Durability::Real).await.expect("PostgreSQL is installed");
    let mut client = connect(&server).await;
    sqlx::raw_sql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        .execute(&mut client)
        .await
        .expect("it works");
    let mut idler = connect(&server).await;
    let at_work = tokio::spawn(async move {
        sqlx::raw_sql("SELECT pg_sleep(600)").execute(&mut idler).await.map(drop)
    });
    server.kill().await;
    at_work.await.expect("it does not panic").expect_err("its connection is cut");
    // Backends that outlive their server would keep the new one from starting.
    server.start().await.expect("it recovers");
    let mut client = connect(&server).await;
    let kept: i32 =
        sqlx::query_scalar("SELECT n FROM kept").fetch_one(&mut client).await.expect("it works");
    assert_eq!(kept, 7);
}

#[tokio::test]
async fn a_frozen_one_answers_when_it_goes_on() {
    let server = Server::postgres(Durability::Fast).await.expect("PostgreSQL is installed");
    let mut client = connect(&server).await;
    server.suspend().expect("it runs");
    let mut asked = Box::pin(sqlx::raw_sql("SELECT 1").execute(&mut client));
    timeout(Duration::from_millis(200), &mut asked).await.expect_err("nobody answers");
    server.resume().expect("it runs");
    timeout(Duration::from_secs(20), asked).await.expect("in time").expect("it answers");
}

#[tokio::test]
async fn passwords_count_in_a_real_one() {
    let server = Server::postgres(Durability::Real).await.expect("PostgreSQL is installed");
    let entered = PgConnection::connect(&server.spec().address().anonymous()).await;
    entered.expect_err("nobody enters without a password");
    let wrong = server.spec().address().by("postgres", Some(&kernel::Secret::new("wrong")));
    PgConnection::connect(&wrong.in_clear()).await.expect_err("it is not the password");
    let _entered = connect(&server).await;
}

/// What `up` does, `status` sees, and `down` does, each in a command of its own.
#[tokio::test]
async fn one_that_was_noted_is_found_and_ended_by_another_command() {
    let target = tempfile::TempDir::with_prefix("ashlar").expect("a folder");
    open_to_all(target.path());
    let mut book = Book::open(target.path()).expect("it can be made");
    let engine = crate::services::Engine::Postgres;
    let mut server = book.prepared(engine, Durability::Real).expect("there are ports");
    server.start().await.expect("PostgreSQL is installed");
    book.note(&server).expect("it can be written");
    let (pid, port) = (server.pid(), server.port());
    server.release();
    drop(book);

    let mut book = Book::open(target.path()).expect("it is there");
    let mut found = book.server(engine).expect("it is noted");
    assert!(found.lives() && found.pid() == pid);
    check_version(&found).await;
    found.stop().await.expect("it stops in order");
    book.note(&found).expect("it can be written");

    let mut again = book.prepared(engine, Durability::Fast).expect("there are ports");
    assert_eq!(again.port(), port);
    again.start().await.expect("it starts on the data that it had");
    assert!(again.url() == found.url(), "the password changed with the data in place");
    again.kill().await;
}

fn open_to_all(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}

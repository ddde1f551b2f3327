//! Against the engines themselves: `cargo xtask test` runs these, `--embedded` leaves them out.

mod pgbouncer;
mod postgres;
mod rabbitmq;
mod redis;

use super::{
    Server,
    probe::{self, Answer},
};

async fn answers(server: &Server) -> bool {
    probe::ask(server.engine(), &server.spec().address()).await.is_ok()
}

/// A working engine tells its version.
async fn check_version(server: &Server) {
    let answer = probe::ask(server.engine(), &server.spec().address()).await;
    let Answer::Working(version) = answer.expect("it answers") else { panic!("it only listens") };
    assert!(version.starts_with(|it: char| it.is_ascii_digit()), "{version}");
}

/// Killed and started again, it answers at the same place; dropped, it leaves nothing behind.
async fn check_life(mut server: Server) {
    let (port, first) = (server.port(), server.pid());
    assert!(first.is_some() && answers(&server).await);

    server.kill().await;
    assert!(server.pid().is_none() && !answers(&server).await);
    server.start().await.expect("it starts again");
    assert!(server.port() == port && server.pid() != first && answers(&server).await);
    server.restart().await.expect("it stops in order and starts again");
    assert!(answers(&server).await);

    let folder = server.spec().folder.clone();
    let address = server.spec().address();
    assert!(folder.exists());
    let engine = server.engine();
    drop(server);
    assert!(!folder.exists() && probe::ask(engine, &address).await.is_err());
}

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use databases::{Logins, PrivateServer};

#[tokio::test]
async fn a_server_that_ends_at_once_is_not_waited_for_and_tells_why() {
    let mut server = PrivateServer::start(Logins::Trusted).await.expect("a server");
    server.stop().await.expect("stopped");
    let taken = TcpListener::bind(("127.0.0.1", server.port())).expect("its port is free");
    let begun = Instant::now();
    let refused = server.run().await.expect_err("somebody else has the port");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(refused.to_string().contains("Address already in use"), "{refused}");
    drop(taken);
    server.run().await.expect("it runs again");
}

//! Private RabbitMQ.

use kernel::Secret;

use super::{check_life, check_version};
use crate::services::{Server, probe};

#[tokio::test]
async fn it_lives_dies_and_lives_again() {
    let server = Server::rabbitmq().await.expect("RabbitMQ is installed");
    check_version(&server).await;
    let address = server.spec().address();
    let wrong = address.clone().by("guest", Some(&Secret::new("wrong")));
    let error = probe::ask(server.engine(), &wrong).await.expect_err("it is not the password");
    assert!(format!("{error:#}").starts_with("it did not let us in"), "{error:#}");
    let error = probe::ask(server.engine(), &address.at("nowhere")).await.expect_err("none such");
    assert!(format!("{error:#}").contains("nowhere"), "{error:#}");
    check_life(server).await;
}

//! Private Redis.

use super::{check_life, check_version};
use crate::services::Server;

#[tokio::test]
async fn it_lives_dies_and_lives_again() {
    let server = Server::redis().await.expect("Redis is installed");
    check_version(&server).await;
    check_life(server).await;
}

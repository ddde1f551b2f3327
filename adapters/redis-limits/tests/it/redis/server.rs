//! A Redis of the test's own, to be stopped, killed and started again.

use std::process::{Child, Command, Stdio};

use kernel::Secret;
use redis_limits::RedisConfig;
use tempfile::TempDir;

/// Longer than a server takes on any machine.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

pub(crate) struct Server {
    port: u16,
    dir: TempDir,
    process: Child,
}

impl Server {
    /// Starts one and waits until it answers.
    pub(crate) async fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let dir = tempfile::tempdir().expect("a folder");
        let process = run(port, &dir);
        let server = Self { port, dir, process };
        server.ready().await;
        server
    }

    /// As the program would be told, with its own patience.
    pub(crate) fn config(&self) -> RedisConfig {
        RedisConfig::new(Secret::new(format!("redis://127.0.0.1:{}", self.port)))
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it was running");
        self.process.wait().expect("it is gone");
    }

    pub(crate) async fn start_again(&mut self) {
        self.process = run(self.port, &self.dir);
        self.ready().await;
    }

    /// `STOP`: connections stay, and nobody answers. `CONT`: it goes on.
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status();
        assert!(status.expect("kill can be run").success());
    }

    async fn ready(&self) {
        let client = ::redis::Client::open(self.config().url.expose()).expect("a URL");
        let answering = async {
            while client.get_multiplexed_async_connection().await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, answering).await.expect("it starts");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn run(port: u16, dir: &TempDir) -> Child {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""])
        .arg("--dir")
        .arg(dir.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed: see `cargo xtask services up --install`")
}

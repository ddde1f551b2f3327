//! HAProxy before replicas, as an operator would have it.

use std::{
    fmt::Write as _,
    fs::{self, File},
    net::Ipv4Addr,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::{Child, Command},
};

use crate::shapes::lease;

/// What a balancer asks of a server before it sends requests there, five times a second. One answer that
/// is late says nothing where much is asked: a server that is stopped is drained before. A request
/// is sent again only where no connection was made, when nothing of it can have been done; and each
/// has a connection of its own to its server, since one that is kept may be closed just when the next
/// request is on its way.
const DEFAULTS: &str = "\
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout check 2s
  retries 3
  option redispatch 1
  option http-server-close
  retry-on conn-failure
  option httpchk GET /health/ready
  http-check expect status 200
  default-server check inter 200ms fall 3 rise 1
  balance roundrobin
";

/// How soon a server that is ready is seen to be.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// One address that several servers are behind.
#[derive(Debug)]
pub(super) struct Front {
    /// Lower-case words with hyphens.
    pub(super) name: String,
    port: u16,
    _lease: File,
}

impl Front {
    /// On a free port of loopback.
    pub(super) fn new(name: impl Into<String>) -> Result<Self> {
        let (port, lease) = lease()?;
        Ok(Self { name: name.into(), port, _lease: lease })
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A server behind a front.
#[derive(Clone, Debug)]
pub(super) struct Behind {
    /// The front's name.
    pub(super) front: String,
    /// Its own, such as `monolith-2`.
    pub(super) name: String,
    /// `127.0.0.1:8080`.
    pub(super) address: String,
}

/// A running HAProxy; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct HaProxy {
    child: Child,
    orders: u16,
    _lease: File,
}

impl HaProxy {
    /// Starts `program` in `folder` with `behind` each front, and waits until it has seen all of them.
    ///
    /// # Errors
    /// It does not start, or a server is not seen to be ready in time.
    pub(super) async fn start(
        program: &Path,
        folder: &Path,
        fronts: &[Front],
        behind: &[Behind],
    ) -> Result<Self> {
        let (orders, lease) = lease()?;
        let file = folder.join("haproxy.cfg");
        fs::write(&file, settings(orders, fronts, behind))
            .with_context(|| format!("writing {}", file.display()))?;
        let child = Command::new(program)
            .args(["-db", "-q", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut haproxy = Self { child, orders, _lease: lease };
        for server in behind {
            haproxy.wait_for(server).await?;
        }
        Ok(haproxy)
    }

    /// Waits until `server` is sent requests.
    pub(super) async fn wait_for(&mut self, server: &Behind) -> Result<()> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("haproxy ended with {status}");
            }
            let state = self.row(server).await.unwrap_or_default();
            if state.status.starts_with("UP") {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "haproxy finds {} {}", server.name, state.status);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Sends `server` nothing new, and waits until it has answered what it has.
    pub(super) async fn drain(&self, server: &Behind) -> Result<()> {
        self.order(&format!("set server {}/{} state drain", server.front, server.name)).await?;
        let begun = Instant::now();
        while self.row(server).await?.sessions != "0" {
            ensure!(begun.elapsed() < PATIENCE, "{} is not drained", server.name);
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Sends `server` requests again, as soon as it is seen to be ready.
    pub(super) async fn restore(&mut self, server: &Behind) -> Result<()> {
        self.order(&format!("set server {}/{} state ready", server.front, server.name)).await?;
        self.wait_for(server).await
    }

    async fn row(&self, server: &Behind) -> Result<Row> {
        let table = self.order("show stat").await?;
        let rows = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let mut own = rows.filter(|row| row.starts_with(&[&server.front, &server.name]));
        let own = own.next().with_context(|| format!("haproxy does not know {}", server.name))?;
        let text = |column: usize| own.get(column).map(|text| (*text).to_owned());
        Ok(Row {
            sessions: text(SESSIONS).unwrap_or_default(),
            status: text(STATUS).unwrap_or_default(),
        })
    }

    /// What it answers; nothing where it did as it was told.
    async fn order(&self, order: &str) -> Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.orders)).await?;
        stream.write_all(format!("{order}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

/// What is known of a server: see `show stat` in HAProxy's management guide, 9.1.
#[derive(Debug, Default)]
struct Row {
    /// Requests under way there.
    sessions: String,
    /// Such as `UP` or `DOWN`.
    status: String,
}

const SESSIONS: usize = 4;
const STATUS: usize = 17;

fn settings(orders: u16, fronts: &[Front], behind: &[Behind]) -> String {
    let mut text = format!(
        "global\n  maxconn 8000\n  stats socket ipv4@127.0.0.1:{orders} level admin\n{DEFAULTS}"
    );
    for Front { name, port, .. } in fronts {
        // Writing to a text cannot fail.
        let _ = write!(text, "listen {name}\n  bind 127.0.0.1:{port}\n");
        for server in behind.iter().filter(|server| server.front == *name) {
            let _ = writeln!(text, "  server {} {}", server.name, server.address);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_front_has_its_own_servers() {
        let fronts = ["public", "internal"].map(|name| Front::new(name).expect("a free port"));
        let server = |front: &str, port: u16| Behind {
            front: front.to_owned(),
            name: "monolith-1".to_owned(),
            address: format!("127.0.0.1:{port}"),
        };
        let text = settings(1, &fronts, &[server("public", 8080), server("internal", 9080)]);
        let (_, public) = text.split_once("listen public\n").expect("a front");
        let (public, internal) = public.split_once("listen internal\n").expect("another");
        assert!(public.contains("server monolith-1 127.0.0.1:8080"), "{text}");
        assert!(!public.contains("9080") && internal.contains("9080"), "{text}");
    }
}

//! A program at work: where it is reached, and how it stops.

use std::{io::Write, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future::join;
use storage::Store;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, health::Health, serve::Listeners};

/// What the stores get at the end of a stop, however little of the drain is left: to close a file
/// in order takes milliseconds.
const CLOSING: Duration = Duration::from_secs(1);

/// A program at work.
pub struct Running {
    pub(crate) name: &'static str,
    pub(crate) config: Config,
    pub(crate) listeners: Listeners,
    pub(crate) feeds: JoinSet<()>,
    pub(crate) fed: CancellationToken,
    pub(crate) engines: JoinSet<()>,
    pub(crate) stop: CancellationToken,
    pub(crate) health: Arc<Health>,
    pub(crate) stores: Vec<(&'static str, Store)>,
}

impl Running {
    /// Where clients are served.
    #[must_use]
    pub const fn public_address(&self) -> SocketAddr {
        self.listeners.public_address
    }

    /// Where other programs and operators are served.
    #[must_use]
    pub const fn internal_address(&self) -> SocketAddr {
        self.listeners.internal_address
    }

    /// Tells a person at a terminal where to go next.
    ///
    /// # Errors
    /// An output that cannot be written to.
    pub fn announce(&self, output: &mut dyn Write) -> std::io::Result<()> {
        let public = self.public_address();
        let local: Vec<_> = self.stores.iter().map(|(name, _)| *name).collect();
        writeln!(output, "{} is ready", self.name)?;
        writeln!(
            output,
            "  modules here    {}",
            if local.is_empty() { "none".into() } else { local.join(", ") }
        )?;
        for (module, remote) in &self.config.modules {
            writeln!(output, "  {module:<15} {}", remote.urls.join(", "))?;
        }
        writeln!(output, "  API             http://{public}")?;
        writeln!(output, "  try it          http://{public}/docs/")?;
        if self.config.profile.allows_sandbox() {
            writeln!(output, "  look inside     http://{public}/")?;
            writeln!(output, "  sent mails      http://{public}/dashboard/mailbox")?;
        }
        writeln!(output, "  health          http://{public}/health/ready")?;
        output.flush()
    }

    /// Stops in order: no new work from clients and from the broker, what is in hand of it, then the
    /// engines, then the stores. All together take no longer than `internal.drain_seconds`, and a
    /// second to close the stores.
    pub async fn stop(mut self) {
        let drain = Duration::from_secs(self.config.internal.drain_seconds);
        let deadline = Instant::now() + drain;
        self.health.drain();
        self.fed.cancel();
        let fed = async { while self.feeds.join_next().await.is_some() {} };
        let (_, fed) = join(self.listeners.stop(deadline), timeout_at(deadline, fed)).await;
        if fed.is_err() {
            tracing::warn!("a feed was cut off; what it had in hand comes again");
            self.feeds.abort_all();
        }
        self.stop.cancel();
        let finished = async { while self.engines.join_next().await.is_some() {} };
        if timeout_at(deadline, finished).await.is_err() {
            tracing::warn!("event engines were cut off; what they had in hand is tried again");
            self.engines.abort_all();
        }
        let closed = async {
            for (_, store) in self.stores {
                store.close().await;
            }
        };
        if timeout_at(deadline.max(Instant::now() + CLOSING), closed).await.is_err() {
            tracing::warn!("a store was still in use; its engine recovers it at the next start");
        }
    }
}

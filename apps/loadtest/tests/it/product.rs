//! The product, in the test's own process.

use std::net::SocketAddr;

use anyhow::Context as _;
use host::config::{Layers, Mistakes};
use host::{Migration, Order, Program, Running};
use tempfile::TempDir;

/// The monolith on the embedded engine; it is gone with its data when it is dropped.
pub(crate) struct Product {
    running: Running,
    _data: TempDir,
}

impl Product {
    /// Told `more` besides.
    pub(crate) async fn start(more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let data = TempDir::new()?;
        let folder = data.path().to_str().context("a path that is no text")?;
        let own = [
            ("PROFILE", "test"),
            ("DATA__DIR", folder),
            ("PUBLIC__BIND", "127.0.0.1:0"),
            ("INTERNAL__BIND", "127.0.0.1:0"),
        ];
        let settings: Vec<_> = own.iter().chain(more).copied().collect();
        let up = Migration { module: None, order: Order::Up };
        told(&settings)?.migrate(&up, &mut Vec::new()).await?;
        Ok(Self { running: told(&settings)?.start().await?, _data: data })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.public_address()
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }
}

fn told(settings: &[(&str, &str)]) -> anyhow::Result<Program> {
    let mut mistakes = Mistakes::default();
    let layers = Layers::of(settings.iter().copied(), &mut mistakes);
    Ok(monolith::program().configured(layers, mistakes)?)
}

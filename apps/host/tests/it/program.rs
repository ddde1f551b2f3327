//! A program that contains no module: all of them run elsewhere.

use anyhow::Context as _;
use host::{
    Program, Running,
    config::{Layers, Mistakes},
};
use tempfile::TempDir;

pub(crate) struct Edge {
    running: Running,
    _data: TempDir,
}

impl Edge {
    /// Passes all modules' paths on to `upstream`, such as `http://127.0.0.1:4000`.
    pub(crate) async fn before(upstream: &str) -> anyhow::Result<Self> {
        let token = [("INTERNAL__OPERATOR_TOKEN", "an operator's token")];
        Self::told(&[upstream], &token).await
    }

    /// Passes all modules' paths on to one of `upstreams`, and is told `settings` besides.
    pub(crate) async fn told(
        upstreams: &[&str],
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let data = TempDir::new()?;
        let dir = data.path().to_str().context("a path that is no text")?;
        let urls = format!("{upstreams:?}");
        let mut mistakes = Mistakes::default();
        let layers = Layers::of(
            [
                ("PROFILE", "test"),
                ("DATA__DIR", dir),
                ("PUBLIC__BIND", "127.0.0.1:0"),
                ("INTERNAL__BIND", "127.0.0.1:0"),
                ("MODULES__AUTH__URLS", &urls),
                ("MODULES__BILLING__URLS", &urls),
                ("MODULES__BILLING__PUBLIC_URLS", &urls),
                ("MODULES__NOTIFICATIONS__URLS", &urls),
            ]
            .into_iter()
            .chain(settings.iter().copied()),
            &mut mistakes,
        );
        let running = Program::new("edge").configured(layers, mistakes)?.start().await?;
        Ok(Self { running, _data: data })
    }

    pub(crate) fn public(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.public_address())
    }

    pub(crate) fn internal(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.internal_address())
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }
}

/// A client that the programs' own TLS set-up suffices for.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    drop(rustls::crypto::ring::default_provider().install_default());
    Ok(reqwest::Client::builder().build()?)
}

//! The shapes that every journey runs in.

use anyhow::Context as _;
use host::config::{Layers, Mistakes};
use journeys::Api;
use tempfile::TempDir;
use xtask::shapes::{self, Shape};

/// A running shape, gone with its data when it is dropped.
pub(crate) enum Site {
    InProcess { running: Box<host::Running>, _data: TempDir },
    Processes { running: shapes::Running, _data: TempDir },
}

/// The monolith as a library, in the test's own process; its modules call each other over the
/// wire format, and every second call arrives twice.
pub(crate) async fn in_process() -> anyhow::Result<Site> {
    let data = TempDir::new()?;
    let dir = data.path().to_str().context("a path that is no text")?;
    let mut mistakes = Mistakes::default();
    let layers = Layers::of(
        [
            ("PROFILE", "test"),
            ("DATA__DIR", dir),
            ("PUBLIC__BIND", "127.0.0.1:0"),
            ("INTERNAL__BIND", "127.0.0.1:0"),
            ("SEAM__LOCAL", "loopback"),
        ],
        &mut mistakes,
    );
    let running = monolith::program().configured(layers, mistakes)?.start().await?;
    Ok(Site::InProcess { running: Box::new(running), _data: data })
}

/// Real programs: the monolith, and the `extracted` modules beside it.
pub(crate) async fn processes(extracted: &[&str]) -> anyhow::Result<Site> {
    let data = TempDir::new()?;
    let shape = Shape::extracting(extracted.iter().copied());
    let running = shapes::start(&shape, data.path()).await?;
    Ok(Site::Processes { running, _data: data })
}

impl Site {
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::InProcess { running, .. } => format!("http://{}", running.public_address()),
            Self::Processes { running, .. } => running.public_url(),
        }
    }

    pub(crate) fn api(&self) -> anyhow::Result<Api> {
        Api::new(self.origin())
    }

    /// Stops in order, so that what a shape does at its end is part of every test.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self {
            Self::InProcess { running, .. } => {
                running.stop().await;
                Ok(())
            }
            Self::Processes { running, .. } => running.stop().await,
        }
    }
}

/// Writes each journey once and runs it in every shape.
macro_rules! in_every_shape {
    ($(fn $name:ident($api:ident) $body:block)+) => {
        $(
            mod $name {
                use super::*;

                async fn journey($api: journeys::Api) -> anyhow::Result<()> {
                    $body
                    Ok(())
                }

                async fn run(site: crate::shape::Site) -> anyhow::Result<()> {
                    journey(site.api()?).await?;
                    site.stop().await
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn in_the_monolith_in_process() -> anyhow::Result<()> {
                    run(crate::shape::in_process().await?).await
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn in_the_real_monolith() -> anyhow::Result<()> {
                    run(crate::shape::processes(&[]).await?).await
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn with_billing_extracted() -> anyhow::Result<()> {
                    run(crate::shape::processes(&["billing"]).await?).await
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn with_all_extracted() -> anyhow::Result<()> {
                    let all = ["auth", "billing", "notifications"];
                    run(crate::shape::processes(&all).await?).await
                }
            }
        )+
    };
}

pub(crate) use in_every_shape;

//! The shapes that every journey runs in.

use anyhow::Context as _;
use host::config::{Layers, Mistakes};
use host::{Migration, Order, Program};
use journeys::Api;
use xtask::shapes::{self, Ground, Launch, Shape};

/// A running shape, gone with its data when it is dropped.
pub(crate) enum Site {
    InProcess { running: Box<host::Running>, _ground: Ground },
    Processes { running: shapes::Running, _ground: Ground },
}

/// The monolith as a library, in the test's own process; its modules call each other over the
/// wire format, and every second call arrives twice.
pub(crate) async fn in_process() -> anyhow::Result<Site> {
    in_process_told(&[]).await
}

/// As [`in_process`], told `more` besides.
pub(crate) async fn in_process_told(more: &[(&str, &str)]) -> anyhow::Result<Site> {
    let ground = Ground::new().await?;
    let dir = ground.data().to_str().context("a path that is no text")?;
    let mut settings = ground.settings()?;
    let own = [
        ("PROFILE", "test"),
        ("DATA__DIR", dir),
        ("PUBLIC__BIND", "127.0.0.1:0"),
        ("INTERNAL__BIND", "127.0.0.1:0"),
        ("SEAM__LOCAL", "loopback"),
    ];
    let own = own.iter().chain(more);
    settings.extend(own.map(|&(name, value)| (name.to_owned(), value.to_owned())));
    let up = Migration { module: None, order: Order::Up };
    told(&settings)?.migrate(&up, &mut Vec::new()).await?;
    let running = told(&settings)?.start().await?;
    Ok(Site::InProcess { running: Box::new(running), _ground: ground })
}

/// The monolith, told `settings`.
fn told(settings: &[(String, String)]) -> anyhow::Result<Program> {
    let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut mistakes = Mistakes::default();
    let layers = Layers::of(settings, &mut mistakes);
    Ok(monolith::program().configured(layers, mistakes)?)
}

/// Real programs: the monolith, and the `extracted` modules beside it.
pub(crate) async fn processes(extracted: &[&str]) -> anyhow::Result<Site> {
    let ground = Ground::new().await?;
    let shape = Shape::extracting(extracted.iter().copied());
    let running = shapes::start(&shape, &ground).await?;
    Ok(Site::Processes { running, _ground: ground })
}

/// Real programs on `ground`, told `settings`.
pub(crate) async fn started<N: Into<String>, V: Into<String>>(
    ground: &Ground,
    extracted: &[&str],
    settings: impl IntoIterator<Item = (N, V)>,
) -> anyhow::Result<shapes::Running> {
    let shape = Shape::extracting(extracted.iter().copied());
    shapes::start_as(&shape, Launch::on(ground).told(settings)).await
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

//! Files that move.

use anyhow::ensure;
use journeys::{Api, organization};
use xtask::shapes::{self, Ground, Shape};

use super::still_subscribed;

/// Monolith, billing extracted in place, its file moved out, and back again: the customer notices
/// nothing but the restarts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_move_out_and_back_without_loss() -> anyhow::Result<()> {
    let ground = Ground::embedded()?;
    let data = ground.data();
    let monolith = Shape::extracting([]);
    let extracted = Shape::extracting(["billing"]);

    let running = shapes::start(&monolith, &ground).await?;
    let owner = organization(&Api::new(running.public_url())?, "mover").await?;
    let subscription = owner.subscribe(3).await?;
    running.stop().await?;

    let running = shapes::start(&extracted, &ground).await?;
    still_subscribed(&running, &owner.email, &subscription).await?;
    running.stop().await?;

    xtask::extraction::extract("billing", data).await?;
    let running = shapes::start(&extracted, &ground).await?;
    still_subscribed(&running, &owner.email, &subscription).await?;
    running.stop().await?;

    let Err(refused) = shapes::start(&monolith, &ground).await else {
        anyhow::bail!("a monolith without billing's data must not start empty");
    };
    let refused = format!("{refused:#}");
    ensure!(refused.contains("the data of billing are not in"), "{refused}");

    xtask::extraction::absorb("billing", data).await?;
    let running = shapes::start(&monolith, &ground).await?;
    still_subscribed(&running, &owner.email, &subscription).await?;
    running.stop().await
}

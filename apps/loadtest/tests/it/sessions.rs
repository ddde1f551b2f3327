//! Everybody stays logged in, however short sessions are.

use std::time::Duration;

use anyhow::ensure;
use load_report::model::Load;
use loadtest::{
    client::Client,
    people::{self, Sizes},
    run::run,
};

use crate::{product::Product, scenarios::plan};

/// Sessions last for five seconds and the run for longer: no request has one that is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_exchanged_before_it_ends() -> anyhow::Result<()> {
    let product = Product::start(&[("AUTH__ACCESS_TOKEN_SECONDS", "5")]).await?;
    let client = Client::new(&product.url(), Duration::from_secs(30))?;
    let sizes = Sizes { tenants: 2, newcomers: 0, members: 1, usage_events: 0, at_once: 2 };
    let mut people = people::seed(&client, sizes, 7, |_, _| {}).await?;
    let mut plan = plan(&product, "one-read", 7)?;
    plan.streams[0].load = Load::Open { rate: 1.0 };
    let outcome = run(&plan, &mut people, |_| {}).await?;
    ensure!(outcome.generator.complete == 7, "{:?}", outcome.run);
    product.stop().await;
    Ok(())
}

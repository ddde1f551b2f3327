//! What cannot be sent is counted, and delays nothing.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use load_report::model::Load;
use loadtest::{
    people::People,
    run::{Moment, Plan, run},
};

use crate::{
    ping::{carry_out, of, pings},
    server::{Manner, Server},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_bound_journeys_are_dropped_and_counted() -> anyhow::Result<()> {
    let server = Server::start(Manner::Hangs).await?;
    let plan = Plan {
        most_under_way: 10,
        patience: Duration::from_secs(3),
        ..pings(server.url(), Load::Open { rate: 100.0 }, 1)
    };
    let outcome = carry_out(&plan).await?;
    let pings = of(&outcome);
    ensure!(pings.intended == 99 && pings.dropped == 89, "{pings:?}");
    ensure!(pings.failed == [("timeout".to_owned(), 10)].into(), "{pings:?}");
    ensure!(outcome.generator.most_under_way == 10, "{:?}", outcome.generator);
    ensure!(outcome.run.timeline[0].failed == 99, "{:?}", outcome.run.timeline);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_last_journey() -> anyhow::Result<()> {
    let server = Server::start(Manner::Answers(200)).await?;
    let plan = pings(server.url(), Load::Open { rate: 100.0 }, 60);
    let outcome = carry_out(&Plan { most_journeys: 5, workers: 2, ..plan }).await?;
    ensure!(of(&outcome).done == 5 && outcome.run.measured_s < 60.0, "{:?}", outcome.run);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_told_when_measuring_begins_and_ends() -> anyhow::Result<()> {
    let server = Server::start(Manner::Answers(200)).await?;
    let plan = pings(server.url(), Load::Open { rate: 50.0 }, 1);
    let plan = Plan { warm_up: Duration::from_millis(200), ..plan };
    let mut told = Vec::new();
    let tell = |moment| told.push((moment, Instant::now()));
    let outcome = run(&plan, &mut People::default(), tell).await?;
    let [(Moment::Begins, from), (Moment::Ends, to)] = told[..] else {
        bail!("{told:?}");
    };
    // At the end and no earlier; the beginning may be told late where the machine is busy.
    ensure!(to - from > Duration::from_millis(500), "{:?}", to - from);
    ensure!(outcome.generator.cpu > 0, "{:?}", outcome.generator);
    Ok(())
}

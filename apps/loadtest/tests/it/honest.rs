//! A server that stands still is charged for everybody who would have come meanwhile.

use anyhow::ensure;
use load_report::model::Load;

use crate::{
    ping::{carry_out, of, pings, quantile},
    server::{Manner, Server},
};

/// A third of all come while it stands still: one in a thousand waits for nearly all of the second,
/// and one in five for a third of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_of_standstill_is_a_second_of_latency() -> anyhow::Result<()> {
    let server = Server::start(Manner::StandsStill).await?;
    let outcome = carry_out(&pings(server.url(), Load::Open { rate: 100.0 }, 3)).await?;
    let pings = of(&outcome);
    ensure!(pings.done == pings.intended && pings.done == 299, "{pings:?}");
    let (p80, p999) = (quantile(&pings.latency, 0.8)?, quantile(&pings.latency, 0.999)?);
    ensure!(p999 >= 900_000 && p80 >= 300_000, "p80 is {p80} µs and p99.9 {p999} µs");
    let second = &outcome.run.timeline[1];
    ensure!(second.max >= 900_000 && second.p50 >= 300_000, "{second:?}");
    Ok(())
}

/// What a generator would say that waits for an answer before it asks again: the same standstill is
/// one slow answer among hundreds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_answers_hardly_sees_it() -> anyhow::Result<()> {
    let server = Server::start(Manner::StandsStill).await?;
    let outcome = carry_out(&pings(server.url(), Load::Closed { people: 1 }, 3)).await?;
    let pings = of(&outcome);
    let slow = loadtest::recorder::decode(&pings.latency)?;
    let slow = slow.len() - slow.count_between(0, 500_000);
    ensure!(slow * 100 < pings.done, "{slow} of {} were slow", pings.done);
    let p99 = quantile(&pings.latency, 0.99)?;
    ensure!(p99 < 500_000, "p99 is {p99} µs");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schedule_is_the_seed_s_however_many_send() -> anyhow::Result<()> {
    let server = Server::start(Manner::Answers(200)).await?;
    let poisson = loadtest::arrivals::Spacing::Poisson;
    let plan = pings(server.url(), Load::Open { rate: 300.0 }, 1);
    let one = loadtest::run::Plan { spacing: poisson, ..plan };
    let three = loadtest::run::Plan { workers: 3, ..one.clone() };
    let expected = loadtest::arrivals::Arrivals::new(300.0, poisson, one.seed);
    let expected = expected.take_while(|arrival| arrival.at < one.measured).count() as u64;
    let (one, three) = (of(&carry_out(&one).await?), of(&carry_out(&three).await?));
    ensure!(one.done == expected && three.done == expected, "{one:?} {three:?} {expected}");
    Ok(())
}

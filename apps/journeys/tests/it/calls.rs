//! What programs tell of the calls between them.

use anyhow::{Context as _, ensure};
use journeys::{Api, organization};
use serde_json::{Value, json};
use xtask::shapes::{self, Ground, Launch, Running, Shape};

const OPERATOR: &str = "an operator's token";

/// The calls of auth to billing that `program` counted.
async fn counted(running: &Running, program: &str) -> anyhow::Result<Vec<Value>> {
    let internal = running.program(program)?.internal_url();
    let api = Api::new(internal)?.with_token(OPERATOR);
    let told = api.get("/ops/seam").await?.expect(200)?;
    let calls = told["calls"].as_array().with_context(|| format!("no calls: {told:#}"))?;
    let is_meant = |call: &&Value| call["caller"] == "auth" && call["port"] == "BillingApi";
    Ok(calls.iter().filter(is_meant).cloned().collect())
}

/// A shape at work, in which somebody was invited: auth asked billing for a seat.
async fn at_work(shape: &Shape, ground: &Ground) -> anyhow::Result<Running> {
    let launch = Launch::on(ground).told([("ASHLAR__INTERNAL__OPERATOR_TOKEN", OPERATOR)]);
    let running = shapes::start_as(shape, launch).await?;
    let owner = organization(&Api::new(running.public_url())?, "hop").await?;
    owner.until_seats_used(1).await?;
    owner.subscribe(3).await?;
    owner.invite("grace@hop.example").await?.expect(201)?;
    Ok(running)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_monolith_tells_what_extraction_of_a_module_would_cost() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = at_work(&Shape::extracting([]), &ground).await?;
    let api = Api::new(running.program("monolith")?.internal_url())?.with_token(OPERATOR);
    let price = api.get("/ops/price").await?.expect(200)?;
    let positive = |value: &Value| value.as_f64() > Some(0.0);
    let modules = price["modules"].as_array().context("no modules")?;
    let of = |name| modules.iter().find(|module| module["module"] == name).context("no module");
    let billing = of("billing")?;
    ensure!(positive(&billing["requests"]["per_second"]), "it was asked: {billing:#}");
    ensure!(positive(&billing["added_cpu"]), "{billing:#}");
    let calls = billing["calls"].as_array().context("no calls")?;
    let seat = calls.iter().find(|call| call["caller"] == "auth" && call["port"] == "BillingApi");
    let seat = seat.with_context(|| format!("auth asked for a seat: {billing:#}"))?;
    for figure in ["request_bytes", "response_bytes", "per_second"] {
        ensure!(positive(&seat[figure]), "{figure}: {seat:#}");
    }
    for (added, hop) in [(&seat["added"], "call"), (&billing["requests"]["added"], "request")] {
        for figure in ["mean_us", "p50_us", "p99_us", "cpu_us"] {
            let (added, hop) = (added[figure].as_f64(), price["hop"][hop][figure].as_f64());
            ensure!(added.is_some() && added >= hop, "{figure}: {added:?} of {hop:?}");
        }
    }
    // It is the module's own boundary: what others tell each other is not in it.
    ensure!(calls.iter().all(|call| call["callee"] == "billing" || call["caller"] == "billing"));
    let strangers = Api::new(running.program("monolith")?.internal_url())?;
    strangers.get("/ops/price").await?.expect(401)?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_where_the_time_of_a_call_between_programs_goes() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = at_work(&Shape::extracting(["billing"]), &ground).await?;

    let calls = counted(&running, "monolith").await?;
    ensure!(!calls.is_empty(), "auth asked billing for a seat");
    for call in calls {
        ensure!(call["transport"] == "http" && call["service"] == "billing", "{call:#}");
        ensure!(call["untold"] == 0, "billing did not tell its part: {call:#}");
        let steps = call["steps_ns"].as_object().context("no steps")?;
        let sum: u64 = steps.values().filter_map(Value::as_u64).sum();
        ensure!(json!(sum) == call["total_ns"], "the steps do not add up: {call:#}");
        ensure!(call["timed"] == 0 || steps["handle"].as_u64() > Some(0), "{call:#}");
    }
    ensure!(counted(&running, "billing-service").await?.is_empty(), "auth runs elsewhere");
    running.stop().await
}

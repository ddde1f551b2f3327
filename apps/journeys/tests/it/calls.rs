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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_where_the_time_of_a_call_between_programs_goes() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let settings = vec![("ASHLAR__INTERNAL__OPERATOR_TOKEN".to_owned(), OPERATOR.to_owned())];
    let launch = Launch { settings, ..Launch::on(&ground) };
    let running = shapes::start_as(&Shape::extracting(["billing"]), launch).await?;
    let owner = organization(&Api::new(running.public_url())?, "hop").await?;
    owner.until_seats_used(1).await?;
    owner.subscribe(3).await?;
    owner.invite("grace@hop.example").await?.expect(201)?;

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

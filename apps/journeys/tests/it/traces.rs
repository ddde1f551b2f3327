//! One trace from a request to the mail that comes of it, the same in every shape.

mod outline;

use anyhow::{Context as _, ensure};
use journeys::{Api, Person, eventually, mails, organization};
use serde_json::json;
use xtask::shapes::Ground;

use self::outline::outline;
use crate::{
    collector::{Collector, Seen},
    shape::started,
};

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const CLIENT: u64 = 0x00f0_67aa_0ba9_02b7;

/// A request of a client who keeps its trace.
fn traceparent() -> String {
    format!("00-{TRACE:032x}-{CLIENT:016x}-01")
}

/// Subscribes, and waits for the mail about the invoice.
async fn subscribes(api: &Api, owner: &Person) -> anyhow::Result<()> {
    let order = json!({
        "price_id": owner.paid_price().await?, "quantity": 3, "payment_method": "pm_card_visa",
    });
    let request = owner.api.request("POST".parse()?, "/v1/billing/subscriptions").json(&order);
    let request = request.header("idempotency-key", "traced").header("traceparent", traceparent());
    let answer = owner.api.send(request).await?;
    let named = answer.headers.get("x-request-id").context("no request id")?;
    ensure!(named.to_str()? == format!("{TRACE:032x}"), "{answer:#?}");
    answer.expect(201)?;
    eventually("the mail of the paid invoice", async || {
        let mails = mails(api, &owner.email).await?;
        ensure!(mails.len() == 2, "{mails:#?}");
        Ok(())
    })
    .await
}

/// The spans of a subscription in a shape, all of them: programs hand over the last when they end.
async fn traced(extracted: &[&str]) -> anyhow::Result<Vec<Seen>> {
    let collector = Collector::start().await;
    let ground = Ground::new().await?;
    let running = started(&ground, extracted, collector.settings()).await?;
    let api = Api::new(running.public_url())?;
    let owner = organization(&api, "traced").await?;
    // What is fetched once, such as keys, is part of nobody's trace that is looked at.
    owner.until_seats_used(1).await?;
    owner.api.get("/v1/notifications").await?.expect(200)?;
    subscribes(&api, &owner).await?;
    running.stop().await?;
    collector.spans_of(TRACE).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_from_a_request_to_its_mail_in_every_shape() -> anyhow::Result<()> {
    let monolith = traced(&[]).await?;
    let expected = outline(&monolith, CLIENT)?;
    for step in [
        "POST /v1/billing/subscriptions",
        "charge by sandbox",
        "publish billing.invoice_paid",
        "process billing.invoice_paid",
        "send mail",
        "INSERT outbox",
        "COMMIT",
    ] {
        ensure!(expected.contains(step), "{step} is missing:\n{expected}");
    }
    for extracted in [&["billing"][..], &["auth", "billing", "notifications"]] {
        let spans = traced(extracted).await?;
        let programs: Vec<&str> = spans.iter().map(|span| span.program.as_str()).collect();
        ensure!(programs.contains(&"monolith") && programs.contains(&"billing-service"));
        let found = outline(&spans, CLIENT)?;
        ensure!(found == expected, "the monolith:\n{expected}\nwith {extracted:?} apart:\n{found}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_kept_though_nothing_else_is() -> anyhow::Result<()> {
    let collector = Collector::start().await;
    let mut settings = collector.settings();
    settings.push(("ASHLAR__TELEMETRY__TRACE_RATE", "0".to_owned()));
    let ground = Ground::new().await?;
    let running = started(&ground, &["billing"], settings).await?;
    let api = Api::new(running.public_url())?;
    api.get("/v1/billing/plans").await?.expect(200)?;
    running.program("billing-service")?.terminate().await?;
    let problem = api.get("/v1/billing/plans").await?.expect_problem(503, "unavailable")?;
    running.program("billing-service")?.start().await?;
    running.stop().await?;

    let spans = collector.spans().await?;
    let failed = spans.iter().find(|span| span.name == "GET /v1/billing/*");
    let failed = failed.with_context(|| format!("the request is missing: {spans:#?}"))?;
    ensure!(failed.attributes["error.type"] == "unavailable", "{failed:#?}");
    ensure!(problem["trace_id"] == format!("{:032x}", failed.trace), "{problem:#} {failed:#?}");
    let well = spans.iter().filter(|span| span.trace != failed.trace);
    let well: Vec<_> = well.filter(|span| span.name.starts_with("GET /v1")).collect();
    ensure!(well.is_empty(), "nothing was wrong with {well:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_collector_that_is_gone() -> anyhow::Result<()> {
    // A port that nobody listens on any more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", gone.local_addr()?);
    drop(gone);
    let settings = [
        ("ASHLAR__TELEMETRY__ENDPOINT", endpoint.as_str()),
        ("ASHLAR__TELEMETRY__EVERY_MS", "100"),
    ];
    let ground = Ground::new().await?;
    let running = started(&ground, &[], settings).await?;
    let owner = organization(&Api::new(running.public_url())?, "gone").await?;
    owner.subscribe(2).await?;
    let warned = eventually("a word about it", async || {
        let log = running.program("monolith")?.log();
        let about = log.iter().filter(|line| line.contains("the collector takes no traces"));
        let about: Vec<String> = about.cloned().collect();
        ensure!(!about.is_empty(), "nothing in {} lines", log.len());
        Ok(about)
    })
    .await?;
    ensure!(warned.len() == 1, "an outage is told once: {warned:#?}");
    running.stop().await
}

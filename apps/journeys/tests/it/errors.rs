//! A fault comes to the error tracker once, whichever program it comes up in.

use anyhow::{Context as _, ensure};
use journeys::{Api, eventually, organization};
use sentry::{
    Envelope,
    protocol::{Context, Event},
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};
use xtask::shapes::{self, Ground, Launch, Running, Shape};

/// An error tracker that remembers.
struct Tracker(MockServer);

impl Tracker {
    async fn start() -> Self {
        let server = MockServer::start().await;
        let takes = Mock::given(method("POST")).respond_with(ResponseTemplate::new(200));
        takes.mount(&server).await;
        Self(server)
    }

    fn dsn(&self) -> String {
        format!("http://the-public-key@{}/42", self.0.address())
    }

    async fn bodies(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let requests = self.0.received_requests().await.context("it forgets")?;
        Ok(requests.into_iter().map(|request| request.body).collect())
    }

    async fn events(&self) -> anyhow::Result<Vec<Event<'static>>> {
        let bodies = self.bodies().await?;
        let events = bodies.iter().map(|body| {
            Envelope::from_slice(body)?.event().cloned().context("an envelope without an event")
        });
        events.collect()
    }
}

/// The line of `program` that has the fault's fingerprint.
fn line(running: &Running, program: &str, fingerprint: &str) -> anyhow::Result<Value> {
    let log = running.program(program)?.log();
    let found = log.iter().find(|line| line.starts_with('{') && line.contains(fingerprint));
    Ok(serde_json::from_str(found.context("no line names the fault")?)?)
}

/// The module panics while it answers a client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_is_told_once_with_the_clients_trace_in_every_shape() -> anyhow::Result<()> {
    for (extracted, program) in [(&[][..], "monolith"), (&["billing"], "billing-service")] {
        let tracker = Tracker::start().await;
        let armed = json!(["billing::intent_before_charge=1*return(panic)"]);
        let settings = [
            ("ASHLAR__TELEMETRY__SENTRY_DSN", tracker.dsn()),
            ("ASHLAR__FAILPOINTS__ARM", armed.to_string()),
            ("ASHLAR__LOG__FORMAT", "json".to_owned()),
        ];
        let ground = Ground::new().await?;
        let shape = Shape::extracting(extracted.iter().copied()).with_failpoints();
        let running = shapes::start_as(&shape, Launch::on(&ground).told(settings)).await?;
        let api = Api::new(running.public_url())?;
        let owner = organization(&api, "faulty").await?;
        owner.until_seats_used(1).await?;

        let order = json!({
            "price_id": owner.paid_price().await?, "quantity": 3, "payment_method": "pm_card_visa",
        });
        let request = owner.api.request("POST".parse()?, "/v1/billing/subscriptions").json(&order);
        let answer = owner.api.send(request.header("idempotency-key", "faulty")).await?;
        let trace = answer.headers.get("x-request-id").context("no request id")?;
        let trace = trace.to_str()?.to_owned();
        let problem = answer.expect_problem(500, "internal")?;
        ensure!(problem["trace_id"] == trace.as_str(), "{problem:#}");

        let event = eventually("the report", async || {
            tracker.events().await?.pop().context("nothing was told yet")
        })
        .await?;
        for (tag, value) in [("module", "billing"), ("program", program), ("kind", "panic")] {
            ensure!(event.tags.get(tag).is_some_and(|it| it == value), "{tag}: {event:#?}");
        }
        let place = event.culprit.as_deref().unwrap_or_default();
        ensure!(place.starts_with("modules/platform/failpoints/src/lib.rs:"), "{place}");
        let Some(Context::Trace(told)) = event.contexts.get("trace") else {
            anyhow::bail!("in no trace: {event:#?}");
        };
        ensure!(told.trace_id.to_string() == trace, "{told:?} instead of {trace}");
        let fingerprint = event.tags.get("fingerprint").context("no fingerprint")?;
        // A log comes through a pipe of its own, and may be behind the report.
        let line =
            eventually("the line of it", async || line(&running, program, fingerprint)).await?;
        ensure!(line["trace_id"] == trace.as_str() && line["level"] == "ERROR", "{line:#}");
        ensure!(line["error.place"] == place, "{line:#}");
        let internal = Api::new(running.program(program)?.internal_url())?;
        let metrics = internal.get("/metrics").await?.expect(200)?;
        let counted = metrics.as_str().context("metrics are text")?.lines().any(|line| {
            line.starts_with("ashlar_errors_reported_total")
                && ["kind=\"panic\"", "module=\"billing\""].iter().all(|it| line.contains(it))
                && line.ends_with(" 1")
        });
        ensure!(counted, "{metrics:#}");

        // What is left is sent when a program ends.
        running.stop().await?;
        let bodies = tracker.bodies().await?;
        ensure!(bodies.len() == 1, "{} reports of one fault", bodies.len());
        let told = String::from_utf8_lossy(&bodies[0]);
        for canary in [&owner.email, "pm_card_visa", "idempotency", "authorization", "127.0.0.1"] {
            ensure!(!told.contains(canary), "{canary} is in {told}");
        }
    }
    Ok(())
}

//! What programs count of their work, in every shape.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use futures_util::future::join_all;
use journeys::{Api, Person, eventually, mails, organization};
use serde_json::json;
use xtask::shapes::{Ground, Running};

use crate::{collector::Collector, shape::started};

const OPERATOR: &str = "an operator's token";

/// The most series that a program has, however many tenants it serves.
const MOST_SERIES: usize = 5_000;

/// What a program is told that needs no telling.
const NOTHING: [(&str, &str); 0] = [];

/// A series of a program, by its labels.
type Series = BTreeMap<String, String>;

/// What a program's metrics said.
#[derive(Debug, Default)]
struct Scrape(Vec<(String, Series, f64)>);

impl Scrape {
    async fn of(running: &Running, program: &str) -> anyhow::Result<Self> {
        let internal = Api::new(running.program(program)?.internal_url())?;
        let answer = internal.get("/metrics").await?.expect(200)?;
        Self::parse(answer.as_str().context("metrics are text")?)
    }

    /// All programs together.
    async fn of_all(running: &Running) -> anyhow::Result<Self> {
        let mut all = Self::default();
        for program in running.programs() {
            all.0.extend(Self::of(running, program.name()).await?.0);
        }
        Ok(all)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let series = lines.map(|line| {
            let (series, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            // No label of ours has a comma or a quote in it.
            let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
            let labels = labels.map(|label| {
                let (name, value) = label.split_once('=').with_context(|| line.to_owned())?;
                Ok((name.to_owned(), value.trim_matches('"').to_owned()))
            });
            Ok((name.to_owned(), labels.collect::<anyhow::Result<_>>()?, value.parse()?))
        });
        Ok(Self(series.collect::<anyhow::Result<_>>()?))
    }

    /// The sum of all series of this name that have these labels; `None` where there is none.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |series: &Series| {
            labels.iter().all(|(name, value)| series.get(*name).is_some_and(|it| it == value))
        };
        let found = self.0.iter().filter(|(known, series, _)| known == name && has(series));
        let values: Vec<f64> = found.map(|(_, _, value)| *value).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    fn check(&self, name: &str, labels: &[(&str, &str)], expected: f64) -> anyhow::Result<()> {
        let found = self.sum(name, labels);
        ensure!(found == Some(expected), "{name}{labels:?} is {found:?} instead of {expected}");
        Ok(())
    }

    fn names(&self) -> BTreeSet<(&String, &Series)> {
        self.0.iter().map(|(name, series, _)| (name, series)).collect()
    }
}

/// An owner subscribes and invites somebody, who comes; one charge is declined, one login fails.
async fn journey(api: &Api, name: &str) -> anyhow::Result<Person> {
    let owner = organization(api, name).await?;
    let declined = json!({
        "price_id": owner.paid_price().await?, "quantity": 2, "payment_method": "pm_card_chargeDeclined",
    });
    let request = owner.api.request("POST".parse()?, "/v1/billing/subscriptions").json(&declined);
    owner.api.send(request.header("idempotency-key", "declined")).await?.expect(402)?;
    owner.subscribe(3).await?;
    owner.until_seats_used(1).await?;
    let guest = format!("robin@{name}.example");
    owner.invite(&guest).await?.expect(201)?;
    let guest = Person::accept(api, &guest).await?;
    let wrong = json!({ "email": owner.email, "password": "a password that is wrong" });
    api.post("/v1/auth/login", &wrong).await?.expect_problem(401, "invalid-credentials")?;
    eventually("the last mails", async || {
        let (owners, guests) = (mails(api, &owner.email).await?, mails(api, &guest.email).await?);
        ensure!(owners.len() + guests.len() >= 3, "{owners:#?} {guests:#?}");
        Ok(())
    })
    .await?;
    Ok(owner)
}

/// The same work is counted the same in every shape; only the way of a call differs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_is_counted_in_every_shape() -> anyhow::Result<()> {
    for (extracted, transport) in [(&[][..], "direct"), (&["billing"], "http")] {
        let ground = Ground::new().await?;
        let running = started(&ground, extracted, NOTHING).await?;
        let api = Api::new(running.public_url())?;
        let way = [("module", "auth"), ("destination", "billing")];
        for told in ["ashlar_outbox_sent_total", "ashlar_outbox_failures_total"] {
            Scrape::of_all(&running).await?.check(told, &way, 0.0)?;
        }
        journey(&api, "counted").await?;
        let seen = eventually("all that was counted", async || {
            let seen = Scrape::of_all(&running).await?;
            seen.check("ashlar_auth_registrations_total", &[], 1.0)?;
            seen.check("ashlar_auth_logins_total", &[("outcome", "invalid_credentials")], 1.0)?;
            let checkouts = "ashlar_billing_checkouts_total";
            seen.check(checkouts, &[("outcome", "subscribed")], 1.0)?;
            seen.check(checkouts, &[("outcome", "declined")], 1.0)?;
            seen.check("ashlar_billing_payments_total", &[("outcome", "paid")], 1.0)?;
            for module in ["auth", "billing", "notifications"] {
                let of = [("module", module)];
                seen.check("ashlar_outbox_depth", &of, 0.0)?;
                seen.check("ashlar_inbox_dead_letters", &of, 0.0)?;
                ensure!(seen.sum("ashlar_outbox_oldest_age_seconds", &of).is_some());
                ensure!(seen.sum("db_client_operation_duration_seconds_count", &of) > Some(0.0));
            }
            // However often a request is passed on, a client's is one, and one of its module's.
            let requests = "http_server_request_duration_seconds_count";
            let declined = ("http_response_status_code", "402");
            seen.check(requests, &[("listener", "public"), declined], 1.0)?;
            seen.check(requests, &[("module", "billing"), declined], 1.0)?;
            let mails = seen.sum("ashlar_notifications_mails_total", &[("outcome", "sent")]);
            ensure!(mails >= Some(3.0), "{mails:?}");
            ensure!(seen.sum("ashlar_notifications_lag_seconds_count", &[]) == mails);
            let requests = "ashlar_provider_request_duration_seconds_count";
            let charged =
                |outcome| [("module", "billing"), ("operation", "charge"), ("outcome", outcome)];
            seen.check(requests, &charged("paid"), 1.0)?;
            seen.check(requests, &charged("declined"), 1.0)?;
            let accepted =
                [("module", "notifications"), ("operation", "mail"), ("outcome", "accepted")];
            ensure!(seen.sum(requests, &accepted) == mails);
            let handled = [
                ("messaging_consumer_group_name", "billing.take_owner_seat"),
                ("outcome", "handled"),
            ];
            seen.check("ashlar_inbox_deliveries_total", &handled, 1.0)?;
            Ok(seen)
        })
        .await?;
        let edge = [("caller", "auth"), ("callee", "billing"), ("transport", transport)];
        seen.check("ashlar_port_calls_total", &edge, 1.0)?;
        let timed = seen.sum("ashlar_port_call_duration_seconds_count", &edge);
        ensure!(timed >= Some(1.0), "{timed:?}");
        let login = [("http_route", "/v1/auth/login"), ("http_response_status_code", "401")];
        seen.check("http_server_request_duration_seconds_count", &login, 1.0)?;
        ensure!(seen.sum("process_cpu_time_seconds_total", &[]) > Some(0.0));
        running.stop().await?;
    }
    Ok(())
}

/// A second tenant brings no series that the first did not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_are_in_no_label() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = started(&ground, &[], NOTHING).await?;
    let api = Api::new(running.public_url())?;
    journey(&api, "first").await?;
    let known = Scrape::of(&running, "monolith").await?;
    journey(&api, "second").await?;
    let seen = Scrape::of(&running, "monolith").await?;
    let new: Vec<_> = seen.names().difference(&known.names()).copied().collect();
    // What is timed by chance, such as each sixteenth direct call, may come late.
    let new: Vec<_> = new.iter().filter(|(name, _)| !name.contains("duration")).collect();
    ensure!(new.is_empty(), "{new:#?}");
    ensure!(seen.0.len() < MOST_SERIES, "{} series", seen.0.len());
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_gets_them_from_every_program() -> anyhow::Result<()> {
    let collector = Collector::start().await;
    let ground = Ground::new().await?;
    let running = started(&ground, &["billing"], collector.settings()).await?;
    let api = Api::new(running.public_url())?;
    organization(&api, "collected").await?;
    // What is left is sent when a program ends.
    running.stop().await?;
    let metrics = collector.metrics().await?;
    for (program, metric) in [
        ("monolith", "ashlar.auth.registrations"),
        ("monolith", "http.server.request.duration"),
        ("billing-service", "ashlar.billing.payments"),
        ("billing-service", "db.client.operation.duration"),
    ] {
        let expected = (program.to_owned(), metric.to_owned());
        ensure!(metrics.contains(&expected), "{expected:?} is not among {metrics:#?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_for_those_that_the_configuration_lets() -> anyhow::Result<()> {
    let operators = [
        ("ASHLAR__TELEMETRY__METRICS", "operators"),
        ("ASHLAR__INTERNAL__OPERATOR_TOKEN", OPERATOR),
    ];
    let ground = Ground::new().await?;
    let running = started(&ground, &[], operators).await?;
    let internal = Api::new(running.program("monolith")?.internal_url())?;
    internal.get("/metrics").await?.expect(401)?;
    internal.with_token(OPERATOR).get("/metrics").await?.expect(200)?;
    running.stop().await?;

    let running = started(&ground, &[], [("ASHLAR__TELEMETRY__METRICS", "off")]).await?;
    let internal = Api::new(running.program("monolith")?.internal_url())?;
    internal.get("/metrics").await?.expect(404)?;
    running.stop().await
}

/// Who is turned away is counted where it happens, so that what else is answered with 503 is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_no_turn_is_counted() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let room_for_one =
        [("ASHLAR__AUTH__HASHING__CONCURRENCY", "1"), ("ASHLAR__AUTH__HASHING__QUEUE", "0")];
    let running = started(&ground, &[], room_for_one).await?;
    let api = Api::new(running.public_url())?;
    let refusals = ("ashlar_admission_refusals_total", [("queue", "passwords")]);
    Scrape::of(&running, "monolith").await?.check(refusals.0, &refusals.1, 0.0)?;
    let login = json!({ "email": "nobody@turns.example", "password": "whatever it may be" });
    let logins = (0..8).map(|_| api.post("/v1/auth/login", &login));
    let mut turned_away = 0.0;
    for answer in join_all(logins).await {
        match answer?.status.as_u16() {
            401 => {}
            503 => turned_away += 1.0,
            other => bail!("a login was answered with {other}"),
        }
    }
    ensure!(turned_away > 0.0, "there was room for all");
    Scrape::of(&running, "monolith").await?.check(refusals.0, &refusals.1, turned_away)?;
    running.stop().await
}

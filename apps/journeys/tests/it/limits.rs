//! Limits hold where a request is answered, whatever way it came.

use anyhow::{Context as _, ensure};
use journeys::{Api, organization};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::shapes::{self, Ground, Launch, Running, Shape};

const OPERATOR: &str = "an operator's token";

/// Five guesses from an address and forty requests of a tenant; all else as wide as in other tests.
fn narrow(ground: &Ground) -> Launch {
    let settings = [
        ("ASHLAR__INTERNAL__OPERATOR_TOKEN", OPERATOR),
        ("ASHLAR__LIMITS__GUESSABLE__BURST", "5"),
        ("ASHLAR__LIMITS__GUESSABLE__PER_MINUTE", "1"),
        ("ASHLAR__LIMITS__TENANT__BURST", "40"),
        ("ASHLAR__LIMITS__TENANT__PER_MINUTE", "1"),
        // The machine may be busy with other tests.
        ("ASHLAR__REDIS__PATIENCE_MS", "1000"),
    ];
    Launch::on(ground).told(settings)
}

async fn guess(api: &Api, forwarded_for: &str) -> anyhow::Result<journeys::Answer> {
    let login = json!({ "email": "ada@example.com", "password": "not her password" });
    let request = api.request(Method::POST, "/v1/auth/login");
    api.send(request.header("x-forwarded-for", forwarded_for).json(&login)).await
}

/// What a program tells its operators.
async fn figures(running: &Running, program: &str) -> anyhow::Result<Value> {
    let api = Api::new(running.program(program)?.internal_url())?.with_token(OPERATOR);
    api.get("/ops/limits").await?.expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guesser_is_stopped_by_the_owner_behind_the_gateway() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = shapes::start_as(&Shape::extracting(["auth"]), narrow(&ground)).await?;
    let api = Api::new(running.public_url())?;
    for n in 0..5 {
        // Another address in each: what a client says of itself is not believed.
        let answer = guess(&api, &format!("203.0.113.{n}")).await?;
        ensure!(answer.headers.contains_key("ratelimit"), "{answer:#?}");
        answer.expect_problem(401, "invalid-credentials")?;
    }
    let refused = guess(&api, "203.0.113.99").await?;
    let wait = refused.headers.get("retry-after").context("no time to wait")?.to_str()?;
    ensure!((1..=60).contains(&wait.parse::<u32>()?), "{refused:#?}");
    let problem = refused.expect_problem(429, "rate-limited")?;
    ensure!(problem["violated-policies"] == json!(["guessable"]), "{problem:#}");

    let (owner, gateway) =
        (figures(&running, "auth-service").await?, figures(&running, "monolith").await?);
    let counted = json!({ "decisions": 6, "limited": 1 });
    ensure!(owner["classes"]["guessable"] == counted, "{owner:#}");
    ensure!(gateway["classes"]["guessable"]["decisions"] == 0, "limited twice: {gateway:#}");
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_stopped_and_its_neighbour_is_not() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = shapes::start_as(&Shape::extracting(["billing"]), narrow(&ground)).await?;
    let api = Api::new(running.public_url())?;
    let (loud, quiet) = (organization(&api, "loud").await?, organization(&api, "quiet").await?);
    let mut refused = None;
    for _ in 0..=40 {
        let answer = loud.api.get("/v1/billing/entitlements").await?;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.context("the tenant was never stopped")?;
    let problem = refused.expect_problem(429, "rate-limited")?;
    ensure!(problem["violated-policies"] == json!(["tenant"]), "{problem:#}");
    quiet.api.get("/v1/billing/entitlements").await?.expect(200)?;
    running.stop().await
}

mod redis {
    use super::*;

    /// Needs PostgreSQL too: the embedded engine has one process.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_replicas_share_one_budget() -> anyhow::Result<()> {
        let ground = Ground::new().await?;
        let launch = Launch { replicas: 2, ..narrow(&ground) };
        let running = shapes::start_as(&Shape::extracting([]), launch).await?;
        let apis = running.public_urls().into_iter().map(Api::new);
        let apis: Vec<Api> = apis.collect::<anyhow::Result<_>>()?;
        ensure!(apis.len() == 2, "there are two replicas");
        let mut statuses = Vec::new();
        for n in 0..8 {
            statuses.push(guess(&apis[n % 2], "203.0.113.9").await?.status.as_u16());
        }
        ensure!(statuses == [401, 401, 401, 401, 401, 429, 429, 429], "{statuses:?}");
        let figures = figures(&running, "monolith").await?;
        ensure!(figures["store"] == "shared" && figures["fallbacks"] == 0, "{figures:#}");
        running.stop().await
    }
}

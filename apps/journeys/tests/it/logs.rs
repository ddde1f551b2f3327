//! What programs write down of their work, and what they never do.

use anyhow::{Context as _, ensure};
use journeys::{Api, PASSWORD, Person, eventually, mails, organization};
use serde_json::{Value, json};
use xtask::shapes::{Ground, Running};

use crate::shape;

const OPERATOR: &str = "an operator's token";

/// What is remembered of a program's log.
const MOST_LINES: usize = 5_000;

async fn started(ground: &Ground) -> anyhow::Result<Running> {
    let settings = [
        ("ASHLAR__INTERNAL__OPERATOR_TOKEN", OPERATOR),
        ("ASHLAR__LOG__FORMAT", "json"),
        ("ASHLAR__LOG__LEVEL", "debug"),
    ];
    shape::started(ground, &["billing"], settings).await
}

/// The lines of a program's log, which are JSON; what it says to people when it starts is not.
fn lines(running: &Running, program: &str) -> anyhow::Result<Vec<Value>> {
    let log = running.program(program)?.log();
    let json = log.iter().filter(|line| line.starts_with('{'));
    json.map(|line| serde_json::from_str(line).with_context(|| line.clone())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_holds_a_secret_or_anybodys_data() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = started(&ground).await?;
    let api = Api::new(running.public_url())?;
    let owner = organization(&api, "canary").await?;
    owner.subscribe(3).await?;
    owner.until_seats_used(1).await?;
    owner.invite("robin@canary.example").await?.expect(201)?;
    let guest = Person::accept(&api, "robin@canary.example").await?;
    let wrong = json!({ "email": owner.email, "password": "a password that is wrong" });
    api.post("/v1/auth/login", &wrong).await?.expect_problem(401, "invalid-credentials")?;
    api.with_token("not.a.token").get("/v1/auth/me").await?.expect_problem(401, "token-invalid")?;
    api.post("/v1/auth/register", &json!("owner@canary.example")).await?;

    let mut canaries = vec![
        PASSWORD.to_owned(),
        "a password that is wrong".to_owned(),
        "not.a.token".to_owned(),
        OPERATOR.to_owned(),
        owner.email.clone(),
        guest.email.clone(),
        "Ada Lovelace".to_owned(),
        "Grace Hopper".to_owned(),
        "pm_card_visa".to_owned(),
        owner.refresh_token.clone(),
        guest.refresh_token.clone(),
    ];
    for email in [&owner.email, &guest.email] {
        for mail in mails(&api, email).await? {
            for link in mail["links"].as_array().into_iter().flatten() {
                let token = link.as_str().and_then(|link| link.rsplit_once("?token="));
                canaries.extend(token.map(|(_, token)| token.to_owned()));
            }
        }
    }
    ensure!(canaries.len() == 13, "a link for each of them: {canaries:?}");
    for program in running.programs() {
        let log = program.log();
        ensure!(log.len() < MOST_LINES, "the first lines of {} are forgotten", program.name());
        for line in log {
            let found = canaries.iter().find(|canary| line.contains(*canary));
            ensure!(found.is_none(), "{} tells `{found:?}`: {line}", program.name());
        }
    }
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_line_of_a_request_has_the_ids_of_its_trace() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = started(&ground).await?;
    let api = Api::new(running.public_url())?;
    let answer = api.get("/v1/billing/plans").await?;
    let named = answer.headers.get("x-request-id").context("no request id")?;
    let trace = named.to_str()?.to_owned();
    for program in ["monolith", "billing-service"] {
        let lines = eventually("the line of the request", async || {
            let mut lines = lines(&running, program)?;
            lines.retain(|line| line["trace_id"] == trace.as_str());
            ensure!(!lines.is_empty(), "{program} says nothing of {trace}");
            Ok(lines)
        })
        .await?;
        for line in lines {
            ensure!(line["span_id"].as_str().is_some_and(|id| id.len() == 16), "{line:#}");
            ensure!(line["spans"][0]["name"] == "http.request", "{line:#}");
        }
    }
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_changes_what_is_logged_while_the_program_runs() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = started(&ground).await?;
    let api = Api::new(running.public_url())?;
    let operator = Api::new(running.program("monolith")?.internal_url())?.with_token(OPERATOR);
    let put = async |level: &str| {
        let request = operator.request("PUT".parse()?, "/ops/log-level");
        operator.send(request.json(&json!({ "level": level }))).await
    };
    let told = operator.get("/ops/log-level").await?.expect(200)?;
    ensure!(told["level"] == "debug", "{told:#}");

    put("warn").await?.expect(200)?;
    let quiet = api.get("/v1/auth/me").await?.expect(401)?;
    put("info,storage=debug").await?.expect(200)?;
    let loud = api.get("/v1/auth/me").await?.expect(401)?;
    eventually("the line of the second request", async || {
        let lines = lines(&running, "monolith")?;
        let of = |problem: &Value| {
            lines.iter().filter(|line| line["trace_id"] == problem["trace_id"]).count()
        };
        ensure!(of(&loud) > 0, "it is not there yet");
        ensure!(of(&quiet) == 0, "a request was told at `warn`");
        Ok(())
    })
    .await?;

    put("loud, please").await?.expect_problem(422, "log-level-malformed")?;
    let told = operator.get("/ops/log-level").await?.expect(200)?;
    ensure!(told["level"] == "info,storage=debug", "a mistake changes nothing: {told:#}");
    let told = operator.delete("/ops/log-level").await?.expect(200)?;
    ensure!(told["level"] == "debug", "{told:#}");
    let stranger = Api::new(running.program("monolith")?.internal_url())?;
    ensure!(stranger.get("/ops/log-level").await?.status == 401);
    running.stop().await
}

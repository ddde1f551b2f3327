//! What programs advise by what they measured of themselves.

use std::fs;

use anyhow::{Context as _, ensure};
use journeys::{Api, organization};
use serde_json::Value;
use xtask::{
    advise::{self, Options},
    shapes::{Engine, Ground},
};

use crate::shape::started;

const OPERATOR: &str = "an operator's token";

/// Asks the programs of a shape after somebody has used it; the modules of each are given.
async fn advises(extracted: &[&str], programs: &[(&str, &[&str])]) -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let settings = [
        ("ASHLAR__INTERNAL__OPERATOR_TOKEN", OPERATOR),
        // A journey is short, and so is what there is to judge by.
        ("ASHLAR__ADVISOR__THRESHOLDS__WINDOW_SECONDS", "0.001"),
        ("ASHLAR__ADVISOR__THRESHOLDS__REQUESTS", "1"),
        // Nothing is asked for by a machine that compiles beside, or by programs without optimisation.
        ("ASHLAR__ADVISOR__THRESHOLDS__CPU", "1"),
        ("ASHLAR__ADVISOR__THRESHOLDS__MEMORY", "1"),
        ("ASHLAR__ADVISOR__THRESHOLDS__CONNECTION_WAIT_P99_MS", "60000"),
        ("ASHLAR__ADVISOR__DATABASE_CPU", "0.2"),
    ];
    let running = started(&ground, extracted, settings).await?;
    let owner = organization(&Api::new(running.public_url())?, "advice").await?;
    owner.until_seats_used(1).await?;
    owner.subscribe(3).await?;
    owner.invite("grace@advice.example").await?.expect(201)?;

    for (program, modules) in programs {
        let api = Api::new(running.program(program)?.internal_url())?.with_token(OPERATOR);
        let situation = api.get("/ops/advice/situation").await?.expect(200)?;
        ensure!(situation["program"] == *program, "{situation:#}");
        let figures = ["requests", "cpu", "memory", "turned_away", "reads", "window_seconds"];
        let of_postgres = match ground.engine() {
            Engine::Real(_) => &["connections", "connection_wait_p99_ms"][..],
            Engine::Embedded => &[],
        };
        for figure in figures.iter().chain(of_postgres) {
            ensure!(situation[figure].is_number(), "{figure} was not measured: {situation:#}");
        }
        let measured = situation["modules"].as_array().context("no modules")?;
        let names: Vec<_> =
            measured.iter().filter_map(|module| module["module"].as_str()).collect();
        ensure!(names == *modules, "{names:?}");
        for module in measured {
            ensure!(module["busy"].as_f64() > Some(0.0), "nobody was at work: {module:#}");
            ensure!(module["predicted"].is_object(), "no price: {module:#}");
            ensure!(module["deploys_per_week"].is_null(), "nobody told it: {module:#}");
        }
        let shares: f64 = measured.iter().filter_map(|module| module["busy"].as_f64()).sum();
        ensure!(shares <= 1.000_001, "{shares}");

        let advice = api.get("/ops/advice").await?.expect(200)?;
        ensure!(advice["verdict"] == "do_nothing", "{program}: {advice:#}");
        let why = advice["why"].as_str().context("it is argued for")?;
        ensure!(why.starts_with("Every step costs more than it would bring"), "{why}");
        saved_gives_the_same(&situation, &advice)?;
    }
    running.stop().await
}

/// What was saved is judged by the team's command as by the program, but for the thresholds of the
/// test, which it is not told.
fn saved_gives_the_same(situation: &Value, advice: &Value) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (saved, told) = (folder.path().join("situation.json"), folder.path().join("ashlar.toml"));
    fs::write(&saved, situation.to_string())?;
    let thresholds = "[advisor.thresholds]\nwindow_seconds = 0.001\nrequests = 1.0\ncpu = 1.0\n\
                      memory = 1.0\nconnection_wait_p99_ms = 60000.0\n";
    fs::write(&told, thresholds)?;
    let judge =
        |thresholds| advise::advice(&Options { situation: saved.clone(), thresholds, json: false });
    let judged = serde_json::to_value(judge(Some(told))?)?;
    ensure!(judged["verdict"] == advice["verdict"], "{judged:#}");
    let rules = |of: &Value| -> Vec<Value> {
        let findings = of["findings"].as_array().cloned().unwrap_or_default();
        findings.into_iter().map(|it| it["rule"].clone()).collect()
    };
    ensure!(!rules(advice).is_empty() && rules(&judged) == rules(advice), "{judged:#}");
    let by_default = judge(None)?.to_string();
    ensure!(by_default.starts_with("Not enough was measured"), "{by_default}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_monolith_advises_to_do_nothing() -> anyhow::Result<()> {
    advises(&[], &[("monolith", &["auth", "billing", "notifications"])]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_program_advises_about_the_modules_that_it_has() -> anyhow::Result<()> {
    let programs: [(&str, &[&str]); 2] =
        [("monolith", &["auth", "notifications"]), ("billing-service", &["billing"])];
    advises(&["billing"], &programs).await
}

//! On PostgreSQL, whose pools and policies have metrics that the embedded engine has not.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use journeys::Api;
use xtask::{
    observability::Query,
    shapes::{self, Engine, Ground, Launch, Running, Shape},
};

use super::{
    judgement::{Answer, judge},
    load,
    questions::{Expected, Question, questions},
    trouble::{self, Database, FEW},
    watch::{OPERATOR, Watch, now},
};

/// Within which all must have been seen. Tables are looked at every ten seconds, those who pay are
/// counted every thirty.
const PATIENCE: Duration = Duration::from_secs(150);

/// How often Prometheus has looked before something is taken for what is usual.
const LOOKS: u32 = 5;

struct Site {
    running: Running,
    database: Database,
    watch: Watch,
    _ground: Ground,
}

impl Site {
    async fn start(extracted: &[&str]) -> anyhow::Result<Self> {
        let ground = Ground::new().await?;
        let Engine::Real(mut engines) = ground.engine().clone() else {
            bail!("set {} as `cargo xtask test` does", shapes::POSTGRES);
        };
        let database = Database::at(engines.postgres.clone());
        // Without a broker modules bring events to each other, by calls that are counted.
        engines.rabbitmq = None;
        let settings = [
            ("ASHLAR__TELEMETRY__METRICS", "operators".to_owned()),
            ("ASHLAR__INTERNAL__OPERATOR_TOKEN", OPERATOR.to_owned()),
            ("ASHLAR__POSTGRES__CONNECTIONS", FEW.to_string()),
            ("ASHLAR__POSTGRES__ACQUIRE_SECONDS", "1".to_owned()),
        ];
        let launch = Launch { engine: Engine::Real(engines), ..Launch::on(&ground).told(settings) };
        let shape = Shape::extracting(extracted.iter().copied());
        let running = shapes::start_as(&shape, launch).await?;
        let watch = Watch::over(&running).await?;
        Ok(Self { running, database, watch, _ground: ground })
    }

    async fn has_looked(&self, times: u32) -> anyhow::Result<()> {
        self.watch.has_looked(times, self.running.programs().len()).await
    }

    async fn round(&self, round: usize) -> anyhow::Result<()> {
        let api = Api::new(self.running.public_url())?;
        let owner = load::people(&api, round).await?;
        self.database.crowds(&owner).await?;
        self.database.denies_auth(&self.watch, &api, round).await?;
        self.database.denies_inboxes(&self.watch, &api, round).await?;
        if self.running.programs().len() > 1 {
            trouble::billing_is_away(&self.running, &self.watch, &owner).await?;
        }
        self.has_looked(LOOKS).await
    }
}

/// A question with the answer that it has when nobody comes.
async fn with_answers(
    watch: &Watch,
    questions: Vec<Question>,
    from: f64,
) -> anyhow::Result<Vec<(Question, Answer)>> {
    let mut answered = Vec::new();
    for question in questions {
        let idle = watch.since(&question.query.expr, from).await?;
        answered.push((question, idle));
    }
    Ok(answered)
}

/// Those whose answers since `from` are not as they should be, with what is wrong.
async fn complaints(
    watch: &Watch,
    asked: &[(Question, Answer)],
    from: f64,
) -> anyhow::Result<Vec<String>> {
    let mut complaints = Vec::new();
    for (question, idle) in asked {
        let Query { place, expr } = &question.query;
        let busy = watch.since(expr, from).await?;
        let wrong = judge(question, idle, &busy);
        complaints.extend(wrong.map(|wrong| format!("{place} {wrong}: {expr}")));
    }
    Ok(complaints)
}

async fn every_query_has_an_answer(extracted: &[&str]) -> anyhow::Result<()> {
    let site = Site::start(extracted).await?;
    let idle_from = now()?;
    site.has_looked(LOOKS).await?;
    let mut asked = with_answers(&site.watch, questions(extracted)?, idle_from).await?;
    // This very test would find a metric that is not there.
    let wrong = Query::new("nowhere", "rate(ashlar_no_such_total[30s])");
    let expected = Expected::Data;
    asked.push((Question { query: wrong, expected }, Answer::new()));

    let (begun, busy_from) = (Instant::now(), now()?);
    site.database.leave_something().await?;
    for round in 0.. {
        site.round(round).await?;
        let complaints = complaints(&site.watch, &asked, busy_from).await?;
        ensure!(complaints.iter().any(|it| it.starts_with("nowhere has no data")));
        if complaints.len() == 1 {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "{}", complaints.join("\n"));
    }
    site.running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_has_an_answer_in_the_monolith() -> anyhow::Result<()> {
    every_query_has_an_answer(&[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_has_an_answer_with_billing_extracted() -> anyhow::Result<()> {
    every_query_has_an_answer(&["billing"]).await
}

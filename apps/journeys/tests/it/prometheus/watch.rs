//! A Prometheus that watches the programs of a test as `deploy/observability` has it.

use std::{
    fs,
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use form_urlencoded::Serializer;
use journeys::{Api, eventually};
use serde_json::Value;
use tempfile::TempDir;
use xtask::{observability::PROMETHEUS, services::Prometheus, shapes::Running};

use super::judgement::Answer;

/// What the programs let operators in with.
pub(super) const OPERATOR: &str = "an operator's token";

/// Prometheus, and a client of it.
pub(super) struct Watch {
    api: Api,
    _prometheus: Prometheus,
    _folder: TempDir,
}

impl Watch {
    /// Over all programs of a shape.
    pub(super) async fn over(running: &Running) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let token = folder.path().join("operator-token");
        fs::write(&token, OPERATOR)?;
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration(running, &token)?)?;
        let prometheus = Prometheus::start(&file).await?;
        Ok(Self { api: Api::new(prometheus.url())?, _prometheus: prometheus, _folder: folder })
    }

    /// Waits until each of so many programs was seen so many times from now on.
    pub(super) async fn has_looked(&self, times: u32, programs: usize) -> anyhow::Result<()> {
        const UP: &str = "up{job=\"ashlar\"}";
        let begun = Instant::now();
        eventually("Prometheus to have looked", async || {
            let since = begun.elapsed().as_millis().max(1);
            let enough = format!("count_over_time({UP}[{since}ms]) >= {times} and {UP} == 1");
            let seen = self.count(&enough).await?;
            ensure!(seen == programs, "{seen} of {programs} programs");
            Ok(())
        })
        .await
    }

    /// How many series an expression has now.
    async fn count(&self, expr: &str) -> anyhow::Result<usize> {
        let now = now()?;
        let answer = self.range(expr, now, now).await?;
        Ok(answer.len())
    }

    /// Waits until each of the `sums` is larger than it was before `work`, which is done now.
    pub(super) async fn grow(
        &self,
        sums: &[String],
        work: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let mut before = Vec::new();
        for sum in sums {
            before.push((sum, self.number(sum).await?));
        }
        work.await?;
        for (sum, before) in before {
            eventually(sum, async || {
                let number = self.number(sum).await?;
                let has_grown = number.unwrap_or_default() > before.unwrap_or_default();
                ensure!(has_grown, "it is {number:?}, and was {before:?}");
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// One number, where there is any.
    pub(super) async fn number(&self, expr: &str) -> anyhow::Result<Option<f64>> {
        let now = now()?;
        let answer = self.range(expr, now, now).await?;
        Ok(answer.first().map(|(_, value)| value.parse()).transpose()?)
    }

    /// All that `expr` said since `from`, a moment of [`now`], as a panel would draw it.
    pub(super) async fn since(&self, expr: &str, from: f64) -> anyhow::Result<Answer> {
        self.range(expr, from, now()?).await
    }

    async fn range(&self, expr: &str, from: f64, to: f64) -> anyhow::Result<Answer> {
        let mut form = Serializer::new(String::new());
        form.append_pair("query", expr).append_pair("step", "1");
        form.append_pair("start", &from.to_string()).append_pair("end", &to.to_string());
        let request = self.api.request("POST".parse()?, "/api/v1/query_range");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let body = self.api.send(request.body(form.finish())).await?;
        let body = body.expect(200).with_context(|| expr.to_owned())?;
        let series = body["data"]["result"].as_array().context("no result")?;
        Ok(series.iter().flat_map(points).collect())
    }
}

fn points(series: &Value) -> impl Iterator<Item = (String, String)> {
    let labels = series["metric"].to_string();
    let values = series["values"].as_array().into_iter().flatten();
    values.filter_map(move |point| Some((labels.clone(), point[1].as_str()?.to_owned())))
}

/// Seconds since 1970.
pub(super) fn now() -> anyhow::Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64())
}

/// The deployed configuration, but for what is of a place, and for its pace.
fn configuration(running: &Running, token: &Path) -> anyhow::Result<String> {
    let deployed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(PROMETHEUS);
    let deployed = deployed.canonicalize()?;
    let rules = |file: &str| format!("- {}", deployed.join(file).display());
    let programs = running.programs().iter().map(|program| program.internal_url());
    let targets: Vec<String> =
        programs.map(|url| url.trim_start_matches("http://").to_owned()).collect();
    let mut text = fs::read_to_string(deployed.join("prometheus.yml"))?;
    for (there, here) in [
        ("scrape_interval: 15s", "scrape_interval: 1s".to_owned()),
        ("evaluation_interval: 15s", "evaluation_interval: 1s".to_owned()),
        ("- recording.yml", rules("recording.yml")),
        ("- alerts.yml", rules("alerts.yml")),
        ("/etc/ashlar/secrets/operator-token", token.display().to_string()),
        ("[\"127.0.0.1:9080\"]", format!("{targets:?}")),
    ] {
        ensure!(text.contains(there), "prometheus.yml has no `{there}` any more");
        text = text.replacen(there, &here, 1);
    }
    Ok(text)
}

//! What Prometheus itself says of its configuration, of the rules, and of the dashboards' queries.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    files,
    observability::{self, PROMETHEUS},
    services,
    steps::{self, Verdict},
    tools::Install,
};

/// Asks promtool; where it is not there, nothing is known, and that is said.
pub(crate) fn check(root: &Path, install: Install) -> Result<Verdict> {
    let Some(promtool) = services::promtool(install)? else {
        return Ok(Verdict::Skipped(format!(
            "`promtool` was not found, so that no rule was tested. Install it with\n    {}\nor run \
             this command again with --install",
            services::how_to_get_prometheus()
        )));
    };
    let scratch = TempDir::new().context("making a folder for the dashboards' queries")?;
    let queries = scratch.path().join("dashboards.yml");
    files::write(&queries, &as_rules(root)?)?;
    let queries = queries.to_string_lossy();
    // The secrets that it names are on other machines.
    let config: &[&str] = &["check", "config", "--syntax-only", "prometheus.yml"];
    let rules = &["check", "rules", "--lint-fatal", "recording.yml", "alerts.yml"];
    let dashboards = &["check", "rules", "--lint-fatal", &queries];
    let tests = &["test", "rules", "tests/alerts.yml", "tests/objectives.yml"];
    for arguments in [config, rules, dashboards, tests] {
        let mut command = Command::new(&promtool);
        command.args(arguments).current_dir(root.join(PROMETHEUS));
        let verdict = steps::verdict(&mut command)?;
        if verdict != Verdict::Passed {
            return Ok(verdict);
        }
    }
    Ok(Verdict::Passed)
}

/// The queries of all dashboards, as promtool takes them: each the expression of a rule.
fn as_rules(root: &Path) -> Result<String> {
    let mut rules = Vec::new();
    for dashboard in observability::dashboards(root)? {
        for query in dashboard.queries(|_| vec!["any".to_owned()])? {
            let place = json!({ "place": query.place, "number": rules.len().to_string() });
            let record = format!("dashboards:{}", dashboard.name);
            rules.push(json!({ "record": record, "expr": query.expr, "labels": place }));
        }
    }
    // JSON is YAML.
    Ok(json!({ "groups": [{ "name": "dashboards", "rules": rules }] }).to_string())
}

//! What operators look at: that dashboards are whole, that each alert has a page in the runbook and
//! each page an alert, and that nobody asks for a metric that is not there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result};

use crate::{
    files,
    observability::{self, Dashboard, Kind, Panel, Query, Rule, Target, promql},
};

const METRICS: &str = "docs/observability.md";
const RUNBOOKS: &str = "docs/runbooks";

/// What Prometheus says of its own work.
const OF_PROMETHEUS: [&str; 1] = ["up"];

/// What a histogram's series end in.
const PARTS: [&str; 3] = ["_bucket", "_count", "_sum"];

/// What is wrong with dashboards, rules and runbooks.
pub(crate) fn complaints(root: &Path) -> Result<Vec<String>> {
    let dashboards = observability::dashboards(root)?;
    let rules = observability::rules(root)?;
    let pages = Pages::read(root)?;
    let mut complaints = of_dashboards(&dashboards, &pages);
    complaints.extend(of_runbooks(&rules, &pages));
    let mut queries = Vec::new();
    for dashboard in &dashboards {
        // Whichever is chosen, the metrics are the same.
        queries.extend(dashboard.queries(|_| vec!["any".to_owned()])?);
        for variable in dashboard.variables() {
            let asked = variable.label_values().with_context(|| dashboard.name.clone())?;
            let place = format!("{}: ${}", dashboard.name, variable.name);
            queries.extend(asked.map(|(series, _)| Query::new(place, series)));
        }
    }
    queries.extend(
        rules.iter().map(|rule| Query::new(format!("{}: {}", rule.file, rule.name), &rule.expr)),
    );
    let recorded = rules.iter().filter(|rule| rule.kind == Kind::Records);
    let mut known = named_in(&files::read(&root.join(METRICS))?);
    known.extend(recorded.map(|rule| rule.name.clone()));
    complaints.extend(of_queries(&queries, &known));
    Ok(complaints)
}

fn of_dashboards(dashboards: &[Dashboard], pages: &Pages) -> Vec<String> {
    let mut complaints = Vec::new();
    for dashboard in dashboards {
        let name = &dashboard.name;
        if dashboard.uid != format!("ashlar-{name}") {
            complaints.push(format!("{name}: its uid is not `ashlar-{name}`"));
        }
        if dashboard.title.is_empty() || dashboard.description.is_empty() {
            complaints.push(format!("{name}: it has no title or no description"));
        }
        let mut ids = BTreeSet::new();
        for panel in &dashboard.panels {
            if !ids.insert(panel.id) {
                complaints.push(format!("{name}: two panels have the id {}", panel.id));
            }
            let of_panel = of_panel(panel, pages).into_iter();
            complaints.extend(of_panel.map(|what| format!("{name}: {}: {what}", panel.title)));
        }
    }
    complaints
}

fn of_panel(panel: &Panel, pages: &Pages) -> Vec<String> {
    let mut missing = vec![("title", panel.title.is_empty())];
    if !panel.is_row() {
        missing.extend([
            ("description", panel.description.is_empty()),
            ("unit", panel.unit().is_none()),
            ("query", panel.targets.is_empty()),
        ]);
    }
    let missing = missing.into_iter().filter(|(_, is_missing)| *is_missing);
    let missing = missing.map(|(what, _)| format!("the panel {} has no {what}", panel.id));
    let runbooks = panel.links.iter().filter_map(|link| link.url.strip_prefix("${runbooks}/"));
    let lost = runbooks.filter(|page| !pages.texts.contains_key(*page));
    let lost = lost.map(|page| format!("there is no {RUNBOOKS}/{page}"));
    missing.chain(lost).chain(panel.targets.iter().filter_map(of_legend)).collect()
}

/// A label that the query has summed up leaves a gap in the names of series.
fn of_legend(target: &Target) -> Option<String> {
    let kept = promql::kept_apart(&target.expr);
    let gap = target.labels_in_legend().find(|label| !kept.is_empty() && !kept.contains(label));
    gap.map(|label| format!("its legend has `{label}`, which `{}` has not", target.expr))
}

/// The pages of the runbook, by their files' names, and the list of them.
struct Pages {
    texts: BTreeMap<String, String>,
    list: String,
}

impl Pages {
    fn read(root: &Path) -> Result<Self> {
        let folder = root.join(RUNBOOKS);
        let mut texts = BTreeMap::new();
        for path in files::with_extension(root, RUNBOOKS, "md")? {
            texts.insert(files::relative(&folder, &path), files::read(&path)?);
        }
        let list = texts.remove("README.md").with_context(|| format!("{RUNBOOKS}/README.md"))?;
        Ok(Self { texts, list })
    }
}

fn of_runbooks(rules: &[Rule], pages: &Pages) -> Vec<String> {
    let (mut complaints, mut named) = (Vec::new(), BTreeSet::new());
    for alert in rules.iter().filter(|rule| rule.kind == Kind::Alerts) {
        let name = &alert.name;
        let url = alert.annotations.get("runbook_url").map(String::as_str).unwrap_or_default();
        let page = url.strip_prefix(RUNBOOKS).and_then(|page| page.strip_prefix('/'));
        match page.and_then(|page| Some((page, pages.texts.get(page)?))) {
            None => complaints.push(format!("{name}: its runbook `{url}` is not there")),
            Some((page, text)) if !text.contains(&format!("`{name}`")) => {
                complaints.push(format!("{RUNBOOKS}/{page} does not speak of `{name}`"));
            }
            Some((page, _)) => drop(named.insert(page)),
        }
        if !pages.list.contains(&format!("`{name}`")) {
            complaints.push(format!("{name} is not in the list of {RUNBOOKS}/README.md"));
        }
    }
    let idle = pages.texts.keys().filter(|page| !named.contains(page.as_str()));
    complaints.extend(idle.map(|page| format!("no alert leads to {RUNBOOKS}/{page}")));
    complaints
}

fn of_queries(queries: &[Query], known: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for Query { place, expr } in queries {
        for made_up in promql::made_up(expr) {
            complaints.push(format!(
                "{place}: `{made_up}` hides that something is not there. What never happened is \
                 counted as 0 from the beginning (telemetry::metrics)"
            ));
        }
        for metric in promql::metrics(expr) {
            let whole = PARTS.iter().find_map(|part| metric.strip_suffix(part)).unwrap_or(metric);
            let is_known = OF_PROMETHEUS.contains(&metric)
                || [metric, whole].iter().any(|name| known.contains(*name));
            if !is_known {
                complaints.push(format!("{place}: {METRICS} knows no `{metric}`"));
            }
        }
    }
    complaints
}

/// The metrics that the first column of the documentation's tables names.
fn named_in(text: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let quoted = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    quoted.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(json: serde_json::Value) -> Panel {
        serde_json::from_value(json).expect("a panel")
    }

    fn pages() -> Pages {
        let page = ("down.md".to_owned(), "# Down\n\n`Down` wakes somebody".to_owned());
        Pages { texts: [page].into(), list: "| `Down` | [Down](down.md) |".to_owned() }
    }

    fn alert(name: &str, page: &str) -> Rule {
        Rule {
            file: "alerts.yml",
            kind: Kind::Alerts,
            name: name.to_owned(),
            expr: "up == 0".to_owned(),
            annotations: [("runbook_url".to_owned(), format!("{RUNBOOKS}/{page}"))].into(),
        }
    }

    #[test]
    fn a_panel_says_what_it_shows_and_leads_somewhere() {
        let whole = serde_json::json!({
            "id": 1, "type": "stat", "title": "Up", "description": "Who is.",
            "links": [{ "url": "${runbooks}/down.md" }],
            "fieldConfig": { "defaults": { "unit": "none" } }, "targets": [{ "expr": "up" }],
        });
        assert_eq!(of_panel(&panel(whole.clone()), &pages()), Vec::<String>::new());
        let mut lost = whole;
        lost["links"][0]["url"] = "${runbooks}/gone.md".into();
        assert_eq!(of_panel(&panel(lost.clone()), &pages()), ["there is no docs/runbooks/gone.md"]);
        let mut summed = lost.clone();
        summed["links"] = serde_json::json!([]);
        summed["targets"][0] = serde_json::json!({ "expr": "sum by (job) (up)", "legendFormat": "{{job}} {{instance}}" });
        assert_eq!(of_panel(&panel(summed), &pages()).len(), 1);
        let bare = panel(serde_json::json!({ "id": 1, "type": "stat" }));
        assert_eq!(of_panel(&bare, &pages()).len(), 4);
        let row = panel(serde_json::json!({ "id": 1, "type": "row", "title": "Requests" }));
        assert!(of_panel(&row, &pages()).is_empty());
    }

    #[test]
    fn alerts_and_pages_belong_together() {
        assert_eq!(of_runbooks(&[alert("Down", "down.md")], &pages()), Vec::<String>::new());
        let gone = of_runbooks(&[alert("Down", "gone.md")], &pages());
        assert_eq!(gone.len(), 2, "no page for the alert, and none for the page: {gone:?}");
        let silent = of_runbooks(&[alert("Down", "down.md"), alert("Late", "down.md")], &pages());
        assert_eq!(silent.len(), 2, "neither the page nor the list has it: {silent:?}");
    }

    #[test]
    fn nobody_asks_for_what_nobody_documents() {
        let text = "| metric | says |\n|---|---|\n| `a_total`, `b_seconds` | counted by `c` |";
        let known = named_in(text);
        let ask = |expr: &str| of_queries(&[Query::new("here", expr)], &known);
        assert_eq!(ask("rate(a_total[5m]) + b_seconds_bucket / up"), Vec::<String>::new());
        assert_eq!(ask("rate(c[5m])"), ["here: docs/observability.md knows no `c`"]);
        assert!(ask("sum(a_total) or vector(0)").len() == 2);
    }
}

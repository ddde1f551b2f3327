//! Dashboards, as Grafana's JSON model has them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::Query;
use crate::files;

const FOLDER: &str = "deploy/observability/grafana/dashboards";

/// A dashboard.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// The file's name without its ending.
    #[serde(skip)]
    pub name: String,
    /// Grafana knows it by this.
    pub uid: String,
    /// What people know it by.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// The version of the JSON model.
    pub schema_version: u32,
    templating: Templating,
    /// What is on it, rows included.
    pub panels: Vec<Panel>,
}

#[derive(Clone, Debug, Deserialize)]
struct Templating {
    list: Vec<Variable>,
}

/// Something that the reader of a dashboard chooses.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// Queries have it after a `$`.
    pub name: String,
    /// `query`, `datasource` or `constant`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What stands for all values; none where only one can be chosen.
    pub all_value: Option<String>,
    query: Value,
}

/// A panel, or a row of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    /// Unique on its dashboard.
    pub id: u64,
    /// Such as `timeseries`; `row` is a heading.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its heading.
    #[serde(default)]
    pub title: String,
    /// How to read it.
    #[serde(default)]
    pub description: String,
    /// Where to go from it.
    #[serde(default)]
    pub links: Vec<Link>,
    #[serde(default)]
    field_config: Value,
    /// What it shows.
    #[serde(default)]
    pub targets: Vec<Target>,
}

/// A link.
#[derive(Clone, Debug, Deserialize)]
pub struct Link {
    /// It may begin with a variable.
    pub url: String,
}

/// A query of a panel.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// PromQL, with Grafana's variables in it.
    pub expr: String,
    /// What each series is called.
    #[serde(default)]
    pub legend_format: String,
}

impl Target {
    /// The labels that the names of series are made of.
    pub fn labels_in_legend(&self) -> impl Iterator<Item = &str> {
        let parts = self.legend_format.split("{{").skip(1);
        parts.filter_map(|part| Some(part.split_once("}}")?.0.trim()))
    }
}

impl Panel {
    /// The unit of what it shows, as Grafana names it.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        self.field_config["defaults"]["unit"].as_str().filter(|unit| !unit.is_empty())
    }

    /// Whether it is a heading.
    #[must_use]
    pub fn is_row(&self) -> bool {
        self.kind == "row"
    }
}

impl Variable {
    /// The series and the label that its values are of, where it has them from a query.
    ///
    /// # Errors
    /// Any other query than `label_values(series, label)`.
    pub fn label_values(&self) -> Result<Option<(&str, &str)>> {
        if self.kind != "query" {
            return Ok(None);
        }
        let query = self.query["query"].as_str().with_context(|| format!("${}", self.name))?;
        let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let parts = inner.and_then(|inner| inner.rsplit_once(','));
        let (series, label) =
            parts.with_context(|| format!("${}: `{query}` is no label_values(…)", self.name))?;
        Ok(Some((series.trim(), label.trim())))
    }
}

impl Dashboard {
    /// What it asks Prometheus, once for each of the values that `values` has for a variable of which
    /// one is chosen at a time. Where all can be chosen, they are.
    ///
    /// # Errors
    /// A variable that nothing is known of.
    pub fn queries(&self, values: impl Fn(&str) -> Vec<String>) -> Result<Vec<Query>> {
        let mut choices = vec![Choice::default()];
        for variable in self.variables().filter(|variable| variable.kind == "query") {
            choices = match &variable.all_value {
                Some(all) => choices.iter().map(|it| it.and(variable, all, "")).collect(),
                None => {
                    let values = values(&variable.name);
                    let with = |choice: &Choice| {
                        let and = |value: &String| choice.and(variable, value, value);
                        values.iter().map(and).collect::<Vec<_>>()
                    };
                    choices.iter().flat_map(with).collect()
                }
            };
        }
        let mut queries = Vec::new();
        for choice in &choices {
            for panel in &self.panels {
                let place = format!("{}{}: {}", self.name, choice.shown, panel.title);
                for target in &panel.targets {
                    let expr = choice.fill(&target.expr).with_context(|| place.clone())?;
                    queries.push(Query::new(place.clone(), expr));
                }
            }
        }
        Ok(queries)
    }

    /// What can be chosen on it.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.templating.list.iter()
    }
}

/// Grafana's own, as a dashboard of the last hour has them that is scraped every few seconds.
const BUILT_IN: [(&str, &str); 2] = [("__rate_interval", "30s"), ("__range", "1h")];

/// What is chosen on a dashboard.
#[derive(Clone, Debug, Default)]
struct Choice {
    /// What tells it from others, as a person reads it.
    shown: String,
    values: BTreeMap<String, String>,
}

impl Choice {
    fn and(&self, variable: &Variable, value: &str, shown: &str) -> Self {
        let mut choice = self.clone();
        if !shown.is_empty() {
            choice.shown = format!("{} ({shown})", self.shown);
        }
        choice.values.insert(variable.name.clone(), value.to_owned());
        choice
    }

    /// `expr` with values in place of `$name` and `${name}`.
    fn fill(&self, expr: &str) -> Result<String> {
        let mut parts = expr.split('$');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = match part.strip_prefix('{') {
                Some(braced) => braced.split_once('}').context("a brace is not closed")?,
                None => part.split_at(part.find(|it| !is_part_of_name(it)).unwrap_or(part.len())),
            };
            let own = BUILT_IN.into_iter().find(|(known, _)| *known == name);
            let value = own.map(|(_, value)| value).or(self.values.get(name).map(String::as_str));
            filled.push_str(value.with_context(|| format!("`${name}` is no variable"))?);
            filled.push_str(rest);
        }
        Ok(filled)
    }
}

fn is_part_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// All dashboards, by their names.
///
/// # Errors
/// A file that cannot be read or is no dashboard.
pub fn dashboards(root: &Path) -> Result<Vec<Dashboard>> {
    let files = files::with_extension(root, FOLDER, "json")?;
    ensure!(!files.is_empty(), "there are no dashboards in {FOLDER}");
    let read = |path: &PathBuf| {
        let text = files::read(path)?;
        let context = || files::relative(root, path);
        let dashboard: Dashboard = serde_json::from_str(&text).with_context(context)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Dashboard { name, ..dashboard })
    };
    files.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dashboard(expr: &str) -> Dashboard {
        let json = serde_json::json!({
            "uid": "u", "title": "t", "description": "d", "schemaVersion": 39,
            "templating": { "list": [
                { "name": "module", "type": "query", "query": { "query": "label_values(x, module)" } },
                { "name": "instance", "type": "query", "allValue": ".*",
                  "query": { "query": "label_values(up{job=\"a, b\"}, instance)" } },
            ] },
            "panels": [{ "id": 1, "type": "stat", "title": "P", "targets": [{ "expr": expr }] }],
        });
        serde_json::from_value(json).expect("a dashboard")
    }

    fn modules(_: &str) -> Vec<String> {
        ["auth", "billing"].map(str::to_owned).into()
    }

    #[test]
    fn a_query_is_asked_for_each_value_of_a_variable() {
        let dashboard = dashboard("rate(x{m=\"$module\",i=~\"${instance}\"}[$__rate_interval])");
        let queries = dashboard.queries(modules).expect("all is known");
        assert_eq!(queries.len(), 2);
        assert_eq!(queries[1].place, " (billing): P");
        assert_eq!(queries[1].expr, "rate(x{m=\"billing\",i=~\".*\"}[30s])");
    }

    #[test]
    fn a_variable_that_is_not_there_is_an_error() {
        for wrong in ["$modul", "$modules", "${module"] {
            assert!(dashboard(&format!("x{{m=\"{wrong}\"}}")).queries(modules).is_err());
        }
    }

    #[test]
    fn a_variable_has_its_values_from_a_label() {
        let dashboard = dashboard("x");
        let found: Vec<_> =
            dashboard.variables().map(|it| it.label_values().expect("it has")).collect();
        assert_eq!(found, [Some(("x", "module")), Some(("up{job=\"a, b\"}", "instance"))]);
    }
}

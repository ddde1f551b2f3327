//! Recording and alerting rules, as Prometheus' files have them.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::PROMETHEUS;
use crate::files;

const FILES: [&str; 2] = ["recording.yml", "alerts.yml"];

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The file that it is in.
    pub file: &'static str,
    /// What it is for.
    pub kind: Kind,
    /// The series that it records, or the alert's name.
    pub name: String,
    /// PromQL.
    pub expr: String,
    /// What an alert says, by the names of Alertmanager's fields.
    pub annotations: BTreeMap<String, String>,
}

/// What a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its result is a series.
    Records,
    /// Its result is an alert.
    Alerts,
}

#[derive(Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Recording {
        record: String,
        expr: String,
    },
    Alerting {
        alert: String,
        expr: String,
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    },
}

/// All rules.
///
/// # Errors
/// A file that cannot be read or holds something else.
pub fn rules(root: &Path) -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for file in FILES {
        let text = files::read(&root.join(PROMETHEUS).join(file))?;
        let read: RuleFile = serde_saphyr::from_str(&text).with_context(|| file.to_owned())?;
        let written = read.groups.into_iter().flat_map(|group| group.rules);
        rules.extend(written.map(|written| Rule::of(file, written)));
    }
    Ok(rules)
}

impl Rule {
    fn of(file: &'static str, written: Written) -> Self {
        let (kind, name, expr, annotations) = match written {
            Written::Recording { record, expr } => (Kind::Records, record, expr, BTreeMap::new()),
            Written::Alerting { alert, expr, annotations } => {
                (Kind::Alerts, alert, expr, annotations)
            }
        };
        Self { file, kind, name, expr, annotations }
    }
}

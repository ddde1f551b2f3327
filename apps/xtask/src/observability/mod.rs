//! What `deploy/observability` has for operators: dashboards for Grafana, rules for Prometheus.

mod dashboards;
pub mod promql;
mod rules;

use std::path::Path;

use anyhow::Result;

pub use dashboards::{Dashboard, Link, Panel, Target, Variable, dashboards};
pub use rules::{Kind, Rule, rules};

use crate::workspace::Workspace;

/// Where Prometheus' files are, below the root.
pub const PROMETHEUS: &str = "deploy/observability/prometheus";

/// An expression, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Query {
    /// Such as `overview: Requests` or `alerts.yml: ProgramDown`.
    pub place: String,
    /// As Prometheus takes it: variables are filled in.
    pub expr: String,
}

impl Query {
    /// At a place.
    pub fn new(place: impl Into<String>, expr: impl Into<String>) -> Self {
        Self { place: place.into(), expr: expr.into() }
    }
}

/// The dashboards and the rules of the workspace that this runs in.
///
/// # Errors
/// There is no workspace, or a file that is not as it should be.
pub fn of_workspace() -> Result<(Vec<Dashboard>, Vec<Rule>)> {
    let workspace = Workspace::find()?;
    let root: &Path = workspace.root();
    Ok((dashboards(root)?, rules(root)?))
}

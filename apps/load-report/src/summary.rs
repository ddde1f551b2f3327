//! The report's figures for programs: what a later campaign, or a check, is compared with.

use serde::Serialize;

use crate::{
    findings::{Findings, findings},
    model::{Campaign, Load, Part},
    statistics::{Estimate, Judgement, Metric, Statistics, counterparts, noise, paired},
    targets::{Target, targets},
};

/// What a campaign found.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The commit of the programs.
    pub commit: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// What was asked for, and what was found.
    pub targets: Vec<Target>,
    /// In sentences.
    pub findings: Findings,
    /// Each shape against the monolith at one rate.
    pub comparisons: Vec<Comparison>,
}

/// One figure of one shape against the monolith's.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The shape's name.
    pub shape: String,
    /// The scenario's name.
    pub scenario: String,
    /// How requests came.
    pub load: Load,
    /// The figure, in the unit of [`Metric`].
    pub metric: Metric,
    /// The monolith's mean.
    pub monolith: f64,
    /// The shape's mean.
    pub value: f64,
    /// The mean difference within a repeat.
    pub difference: Estimate,
    /// How far two runs of one shape lie apart, where that was measured.
    pub noise: Option<f64>,
    /// Whether it is a difference.
    pub judgement: Judgement,
}

/// What `campaign` found: the same for the same campaign.
#[must_use]
pub fn summary(campaign: &Campaign) -> Summary {
    let statistics = Statistics::new(campaign);
    Summary {
        commit: campaign.about.commit.clone(),
        started_at: campaign.about.started_at.clone(),
        targets: targets(&statistics),
        findings: findings(&statistics),
        comparisons: comparisons(&statistics),
    }
}

fn comparisons(statistics: &Statistics<'_>) -> Vec<Comparison> {
    let mut comparisons = Vec::new();
    for (base, other) in counterparts(statistics, Part::Compare) {
        for metric in Metric::COMPARED {
            let Some(paired) = paired(base, other, metric) else { continue };
            let noise = noise(statistics, base.key.scenario, |_| true, metric);
            comparisons.push(Comparison {
                shape: other.key.name(),
                scenario: other.key.scenario.to_owned(),
                load: other.key.load,
                metric,
                monolith: paired.base,
                value: paired.other,
                difference: paired.difference,
                noise,
                judgement: paired.judge(noise),
            });
        }
    }
    comparisons
}

//! What the scaling advisor goes by.

use std::collections::BTreeMap;

use advisor::Thresholds;
use serde::Deserialize;

use super::{Config, Mistakes};

/// `[advisor]`: from where on a figure asks for something, and what a program cannot see of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdvisorConfig {
    /// From where on figures ask for something.
    pub thresholds: Thresholds,
    /// How many replicas of this program there are; one where it is left out.
    pub replicas: Option<u32>,
    /// Of the database server's processor time, what is used on an ordinary day, between 0 and 1.
    pub database_cpu: Option<f64>,
    /// `advisor.modules.<name>`: what is known of modules.
    pub modules: BTreeMap<String, ModuleFacts>,
}

/// What operators know of a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModuleFacts {
    /// How much faster its load grows than that of the others: 2 is twice as fast.
    pub growth: Option<f64>,
    /// Milliseconds that it adds to the 99th percentile of other modules' requests when it is
    /// flooded: `cargo xtask load --only noisy-neighbour` measures it.
    pub effect_on_others_ms: Option<f64>,
    /// How often it alone is changed, a week.
    pub deploys_per_week: Option<f64>,
}

impl Config {
    pub(super) fn check_advisor(&self, known: &[&str], mistakes: &mut Mistakes) {
        let advisor = &self.advisor;
        for (name, what) in advisor.thresholds.mistakes() {
            mistakes.add(format!("advisor.thresholds.{name}"), what);
        }
        if advisor.replicas == Some(0) {
            mistakes.add("advisor.replicas", "is at least 1");
        }
        if advisor.database_cpu.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            mistakes.add("advisor.database_cpu", "is a share, between 0 and 1");
        }
        for (module, facts) in &advisor.modules {
            if !known.contains(&module.as_str()) {
                mistakes.add(format!("advisor.modules.{module}"), "there is no such module");
            }
            for (name, value) in [
                ("growth", facts.growth),
                ("effect_on_others_ms", facts.effect_on_others_ms),
                ("deploys_per_week", facts.deploys_per_week),
            ] {
                if value.is_some_and(|value| !(value.is_finite() && value >= 0.0)) {
                    mistakes.add(format!("advisor.modules.{module}.{name}"), "is 0 or more");
                }
            }
        }
    }
}

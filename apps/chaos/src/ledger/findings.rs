//! What is wrong.

use serde::{Deserialize, Serialize};

/// In which way something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Harm {
    /// A client was told of it, or it follows from what is there, and it is not there.
    Lost,
    /// It is there more often than it should be, or though a client was told that it is not.
    Doubled,
    /// It should have come to its end and has not.
    Stuck,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// In which way.
    pub harm: Harm,
    /// Whose it is, where it is somebody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<u64>,
    /// What.
    pub what: String,
}

/// All that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, harm: Harm, tenant: u64, what: impl Into<String>) {
        self.0.push(Finding { harm, tenant: Some(tenant), what: what.into() });
    }

    pub(super) fn add_general(&mut self, harm: Harm, what: impl Into<String>) {
        self.0.push(Finding { harm, tenant: None, what: what.into() });
    }

    /// Notes where there are fewer or more of something than there should be.
    pub(super) fn compare(&mut self, tenant: u64, expected: usize, found: usize, of_what: &str) {
        let harm = match found.cmp(&expected) {
            std::cmp::Ordering::Equal => return,
            std::cmp::Ordering::Less => Harm::Lost,
            std::cmp::Ordering::Greater => Harm::Doubled,
        };
        self.add(harm, tenant, format!("{of_what}: {found} instead of {expected}"));
    }

    /// How many are wrong in that way.
    #[must_use]
    pub fn count(&self, harm: Harm) -> usize {
        self.0.iter().filter(|finding| finding.harm == harm).count()
    }
}

//! How long faults last.

use std::time::Duration;

use rand::{RngExt, rngs::StdRng};

/// How long things last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Outages of some seconds, so that a campaign of two minutes sees many.
    Short,
    /// Outages of up to two minutes among them.
    Long,
}

impl Pace {
    /// For how long something is away this time.
    pub(super) fn outage(self, dice: &mut StdRng) -> Duration {
        let millis = match self {
            Self::Long if dice.random_bool(0.2) => dice.random_range(30_000..120_000),
            Self::Short | Self::Long => dice.random_range(1_500..4_500),
        };
        Duration::from_millis(millis)
    }

    /// The same, but minutes the first time in a long campaign.
    pub(super) fn outage_after(self, before: u32, dice: &mut StdRng) -> Duration {
        if self == Self::Long && before == 0 {
            return Duration::from_secs(dice.random_range(120..180));
        }
        self.outage(dice)
    }
}

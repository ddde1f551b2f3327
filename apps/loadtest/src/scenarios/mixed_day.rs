//! What a day looks like: mostly reads, some usage, few changes.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use rand::RngExt as _;

use super::{
    browse_plans::BrowsePlans, entitlements::Entitlements, invitations::Invitations,
    invoices::Invoices, log_in::LogIn, sign_up::SignUp, subscribe::Subscribe, usage::Usage,
    webhooks::Webhooks,
};
use crate::{
    ledger::Entry,
    scenario::{Dice, Ended, Scenario, Stage, Visit},
};

/// Each journey is one of the other scenarios', with a probability by weight.
pub(super) struct MixedDay {
    parts: Vec<Part>,
    /// The parts that fit the stage, once that is known. For another system there is another
    /// mixed day: [`named`](super::named) makes one each time.
    fitting: OnceLock<Vec<usize>>,
}

struct Part {
    /// Of all weights together.
    weight: u32,
    /// Left out where it does not fit, instead of failing the day.
    optional: bool,
    scenario: Arc<dyn Scenario>,
}

impl Default for MixedDay {
    fn default() -> Self {
        let needed =
            |weight, scenario: Arc<dyn Scenario>| Part { weight, optional: false, scenario };
        let parts = vec![
            needed(40, Arc::new(Entitlements)),
            needed(20, Arc::new(Usage)),
            needed(15, Arc::new(Invoices)),
            needed(15, Arc::new(BrowsePlans)),
            needed(4, Arc::new(Invitations)),
            needed(2, Arc::new(LogIn)),
            needed(1, Arc::new(SignUp)),
            needed(1, Arc::new(Subscribe)),
            Part { weight: 2, optional: true, scenario: Arc::new(Webhooks) },
        ];
        Self { parts, fitting: OnceLock::new() }
    }
}

impl MixedDay {
    /// Draws once from `dice`.
    fn choose(&self, dice: &mut Dice) -> &dyn Scenario {
        let all = || (0..self.parts.len()).collect();
        let fitting = self.fitting.get_or_init(all);
        let parts = || fitting.iter().filter_map(|index| self.parts.get(*index));
        let mut left = dice.random_range(0..parts().map(|part| part.weight).sum::<u32>().max(1));
        for part in parts() {
            match left.checked_sub(part.weight) {
                Some(rest) => left = rest,
                None => return part.scenario.as_ref(),
            }
        }
        &BrowsePlans
    }
}

#[async_trait]
impl Scenario for MixedDay {
    fn name(&self) -> &'static str {
        "mixed-day"
    }

    fn about(&self) -> &'static str {
        "All of the others, as on a day: of a hundred journeys 40 entitlements, 20 usage, 15 \
         invoices, 15 browse-plans, 4 invitations, 2 log-in, 2 webhooks, 1 sign-up, 1 subscribe."
    }

    fn opening(&self, mut dice: Dice) -> &'static str {
        let chosen = self.choose(&mut dice);
        chosen.opening(dice)
    }

    fn entries(&self) -> &'static [Entry] {
        &[Entry::Subscriptions, Entry::Usage, Entry::Invitations, Entry::Accepted, Entry::SignUps]
    }

    fn newcomers(&self) -> f64 {
        let share = |part: &Part| f64::from(part.weight) * part.scenario.newcomers();
        self.parts.iter().map(share).sum::<f64>()
            / self.parts.iter().map(|part| f64::from(part.weight)).sum::<f64>()
    }

    async fn fits(&self, stage: &Stage) -> Result<(), String> {
        let mut fitting = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            match part.scenario.fits(stage).await {
                Ok(()) => fitting.push(index),
                Err(why) if part.optional => stage.remark(why),
                Err(why) => return Err(why),
            }
        }
        let _known = self.fitting.set(fitting);
        Ok(())
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        let chosen = self.choose(&mut visit.dice);
        chosen.journey(visit).await
    }
}

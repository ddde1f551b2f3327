//! Rising rates on each shape.

use anyhow::Result;
use load_report::model::Part;
use loadtest::sweep::{Search, Sweep, sweep};

use crate::{
    console::say,
    load::{
        generator::Order,
        options::Pace,
        site::{Layout, Shown},
        work::{Turn, Work},
    },
};

/// The rate that the search begins with.
const FROM: f64 = 25.0;
/// Before each rate, the rest of the one before must be over.
const WARM_UP: f64 = 2.0;

/// How much a shape can take, in journeys a second.
#[derive(Clone, Copy, Debug)]
pub(in crate::load) struct Limits {
    /// What it serves well.
    pub(in crate::load) knee: f64,
    /// What it does at its best.
    pub(in crate::load) capacity: f64,
}

/// How closely the most usage that can be reported is looked for: it is what floods, not what is
/// compared.
pub(in crate::load) const ROUGHLY: f64 = 1.2;

impl Work<'_> {
    /// Looks for each shape's limits, in the order of the candidates.
    pub(in crate::load) async fn sweep(&mut self) -> Result<Vec<Limits>> {
        let (scenario, close) = (self.options.scenario.clone(), self.pace.close);
        let mut limits = Vec::new();
        for position in 0..self.candidates.len() {
            limits.push(self.limits(position, &scenario, close).await?);
        }
        Ok(limits)
    }

    /// Looks for the most usage that programs can report to the monolith.
    pub(in crate::load) async fn flood(&mut self) -> Result<Limits> {
        let close = self.pace.close.max(ROUGHLY);
        self.limits(0, "usage", close).await
    }

    async fn limits(&mut self, position: usize, scenario: &str, close: f64) -> Result<Limits> {
        let name = self.candidates[position].name.clone();
        say(format_args!("looking for the highest rate of {scenario} that {name} serves well …"));
        let shown = self.shown(position, Layout::default()).await?;
        let found = self.search(&shown, scenario, close).await;
        self.site.clear(shown).await?;
        let found = found?;
        let limits = Limits::of(&found);
        let turn = Turn { part: Part::Sweep, position, variant: "", repeat: 0 };
        found.runs.into_iter().for_each(|run| self.keep(turn, run));
        Ok(limits)
    }

    /// Rising rates on `shown`, until they are too much. All share its data.
    pub(super) async fn search(&self, shown: &Shown, scenario: &str, close: f64) -> Result<Sweep> {
        let step = Pace { warm_up: WARM_UP, seconds: self.pace.step, ..self.pace };
        let order = |rate| {
            let order = Order::new(scenario.to_owned(), rate, self.options.seed, &step);
            Order { while_newcomers_last: true, ..order }
        };
        let Pace { beyond, .. } = self.pace;
        let search = Search { close, beyond, ..Search::between(FROM, self.pace.top_rate) };
        // Connections are made and plans are kept before anything counts.
        self.measure(shown, &order(FROM))?;
        sweep(search, async |rate| self.measure(shown, &order(rate))).await
    }
}

impl Limits {
    /// As they were found, and says them.
    pub(super) fn of(found: &Sweep) -> Self {
        let capacity = found.capacity;
        match found.knee {
            Some(knee) => say(format_args!("  {knee:.0} journeys a second, {capacity:.0} at most")),
            None => say(format_args!("  not even {FROM:.0} a second, {capacity:.0} at most")),
        }
        Self { knee: found.knee.unwrap_or(FROM), capacity }
    }
}

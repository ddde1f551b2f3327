//! Rising rates on each shape.

use anyhow::Result;
use load_report::model::Part;
use loadtest::sweep::{Search, sweep};

use crate::{
    console::say,
    load::{
        generator::Order,
        options::Pace,
        site::Layout,
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

impl Work<'_> {
    /// Looks for each shape's limits, in the order of the candidates.
    pub(in crate::load) async fn sweep(&mut self) -> Result<Vec<Limits>> {
        let mut limits = Vec::new();
        for position in 0..self.candidates.len() {
            let name = self.candidates[position].name.clone();
            say(format_args!("looking for the highest rate that {name} serves well …"));
            let shown = self.shown(position, Layout::default()).await?;
            let step = Pace { warm_up: WARM_UP, seconds: self.pace.step, ..self.pace };
            // Connections are made and plans are kept before anything counts.
            let scenario = self.options.scenario.clone();
            self.measure(&shown, &Order::new(scenario, FROM, self.options.seed, &step))?;
            let search = Search::between(FROM, self.pace.top_rate);
            let Pace { close, beyond, .. } = self.pace;
            let found = sweep(Search { close, beyond, ..search }, async |rate| {
                let scenario = self.options.scenario.clone();
                let order = Order::new(scenario, rate, self.options.seed, &step);
                self.measure(&shown, &order)
            })
            .await?;
            self.site.clear(shown).await?;
            let capacity = found.capacity;
            match found.knee {
                Some(knee) => {
                    say(format_args!("  {knee:.0} journeys a second, {capacity:.0} at most"))
                }
                None => say(format_args!("  not even {FROM:.0} a second, {capacity:.0} at most")),
            }
            limits.push(Limits { knee: found.knee.unwrap_or(FROM), capacity });
            let turn = Turn { part: Part::Sweep, position, variant: "", repeat: 0 };
            found.runs.into_iter().for_each(|run| self.keep(turn, run));
        }
        Ok(limits)
    }
}

//! Parts in which the shapes take turns, each time on a fresh copy of the same data.

use anyhow::Result;
use futures_util::future::join_all;
use load_report::model::Part;

use crate::{
    console::say,
    load::{
        generator::Order,
        parts::Limits,
        site::Layout,
        work::{MONOLITH_AT, Turn, Work},
    },
};

/// How many times its capacity a shape is asked for.
const FAR_TOO_MUCH: f64 = 3.0;
/// How much of the knee people ask for who have nothing to do with a flood.
const CALM: f64 = 0.05;

impl Work<'_> {
    /// The shapes in turns at one rate, and the monolith against itself.
    pub(in crate::load) async fn compare(&mut self, rate: f64) -> Result<()> {
        let mut turns = vec![(MONOLITH_AT, Part::Noise, "A"), (MONOLITH_AT, Part::Noise, "B")];
        turns.extend((0..self.candidates.len()).map(|position| (position, Part::Compare, "")));
        for repeat in 0..self.pace.repeats {
            let all = self.pace.repeats;
            say(format_args!("comparing at {rate:.0} a second, {} of {all} …", repeat + 1));
            for &(position, part, variant) in &turns {
                let order = self.order(rate, repeat);
                let shown = self.shown(position, Layout::default()).await?;
                let measured = self.measure_with_calls(&shown, &order).await;
                self.site.clear(shown).await?;
                self.keep(Turn { part, position, variant, repeat }, measured?);
            }
            // Another one is first next time, and none is always behind the same one: what comes
            // later finds a warmer machine.
            turns.reverse();
            if !repeat.is_multiple_of(2) {
                turns.rotate_left(1);
            }
        }
        Ok(())
    }

    /// Far more than each shape can do.
    pub(in crate::load) async fn overload(&mut self, limits: &[Limits]) -> Result<()> {
        for repeat in 0..self.pace.other_repeats {
            let all = self.pace.other_repeats;
            say(format_args!(
                "asking for {FAR_TOO_MUCH} times too much, {} of {all} …",
                repeat + 1
            ));
            for (position, limits) in limits.iter().enumerate() {
                let rate = FAR_TOO_MUCH * limits.capacity;
                let order = Order { while_newcomers_last: true, ..self.order(rate, repeat) };
                let turn = Turn { part: Part::Overload, position, variant: "", repeat };
                self.one(turn, &order).await?;
            }
        }
        Ok(())
    }

    /// People log in while programs report all the usage that they can, and while they do not.
    pub(in crate::load) async fn noisy_neighbour(
        &mut self,
        knee: f64,
        flood: Limits,
    ) -> Result<()> {
        for repeat in 0..self.pace.other_repeats {
            let all = self.pace.other_repeats;
            say(format_args!("a noisy neighbour, {} of {all} …", repeat + 1));
            for position in 0..self.candidates.len() {
                for (variant, flood) in [("quiet", None), ("flooded", Some(flood.knee))] {
                    let seed = self.seed_of(repeat);
                    let calm = Order::new("log-in".to_owned(), CALM * knee, seed, &self.pace);
                    let beside = flood.map(|rate| ("usage".to_owned(), rate));
                    let order = Order { beside, ..calm };
                    let turn = Turn { part: Part::NoisyNeighbour, position, variant, repeat };
                    self.one(turn, &order).await?;
                }
            }
        }
        Ok(())
    }

    /// The same for long, on all shapes at once: memory is what is looked at, which no neighbour
    /// changes. Together they are asked for `rate`.
    pub(in crate::load) async fn soak(&mut self, rate: f64, minutes: u64) -> Result<()> {
        let each = rate / self.candidates.len() as f64;
        say(format_args!(
            "steady load on all shapes, {each:.0} a second each, for {minutes} minutes …"
        ));
        let seconds = 60.0 * minutes as f64;
        let order = Order { seconds, while_newcomers_last: true, ..self.order(each, 0) };
        let mut all = Vec::new();
        for position in 0..self.candidates.len() {
            all.push(self.shown(position, Layout::default()).await?);
        }
        let measured = join_all(all.iter().map(|shown| self.measure_beside(shown, &order))).await;
        for (position, (shown, measured)) in all.into_iter().zip(measured).enumerate() {
            self.site.clear(shown).await?;
            self.keep(Turn { part: Part::Soak, position, variant: "", repeat: 0 }, measured?);
        }
        Ok(())
    }
}

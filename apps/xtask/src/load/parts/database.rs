//! What a request asks of the database.

use anyhow::{Context as _, Result, ensure};
use load_report::model::{DatabaseUse, Run};
use loadtest::run::Moment;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    console::say,
    load::{
        site::Layout,
        wire::{Passed, Wire},
        work::Work,
    },
};

impl Work<'_> {
    /// Counts on the way to PostgreSQL in a run of its own for each shape and repeat, and notes it
    /// with the comparison's run of the same number: the same people do the same there.
    pub(in crate::load) async fn count_database(&mut self, rate: f64) -> Result<()> {
        let Some(postgres) = self.site.postgres() else { return Ok(()) };
        for repeat in 0..self.pace.other_repeats {
            let all = self.pace.other_repeats;
            say(format_args!("counting what goes to PostgreSQL, {} of {all} …", repeat + 1));
            for position in 0..self.candidates.len() {
                let wire = Wire::lay(postgres).await.context("laying a way to PostgreSQL")?;
                let layout = Layout { postgres: Some(wire.port()), ..Layout::default() };
                let shown = self.shown(position, layout).await?;
                let order = self.order(rate, repeat);
                let generator = self.generator(&shown);
                let counted = generator.run_beside(&order, Vec::new(), |it| between(it, &wire));
                let counted = counted.await;
                self.site.clear(shown).await?;
                let (run, passed) = counted?;
                let faults = &run.ledger.faults;
                ensure!(faults.is_empty(), "the books do not balance: {}", faults.join("; "));
                if let Some(compared) = self.compared(position, repeat) {
                    compared.database = Some(of(&run, passed));
                }
            }
        }
        Ok(())
    }
}

/// What passed between the moments at which measuring began and ended.
async fn between(mut moments: UnboundedReceiver<Moment>, wire: &Wire) -> Passed {
    let (mut first, mut last) = (Passed::default(), Passed::default());
    while let Some(moment) = moments.recv().await {
        match moment {
            Moment::Begins => first = wire.passed(),
            Moment::Ends => last = wire.passed(),
        }
    }
    Passed {
        round_trips: last.round_trips - first.round_trips,
        sent: last.sent - first.sent,
        received: last.received - first.received,
    }
}

fn of(run: &Run, passed: Passed) -> DatabaseUse {
    let Passed { round_trips, sent, received } = passed;
    let requests = run.operations.values().map(|operation| operation.finished).sum();
    DatabaseUse { round_trips, sent, received, requests }
}

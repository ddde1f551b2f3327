//! What the monolith says that extraction of billing would cost, to be held against what it did.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use load_report::model::{Prediction, Run};
use loadtest::{client::Client, run::Moment};
use seam::{
    EVENT_INBOX,
    price::{CallPrice, Counted, HopFigures, predict},
};
use serde::Deserialize;
use tokio::sync::{mpsc::UnboundedReceiver, oneshot};

use crate::{
    console::say,
    load::{
        hop::{self, CALLED},
        site::Layout,
        work::{MONOLITH_AT, Work},
    },
};

/// How long the program may take to measure what a hop costs, while it is busy.
const PATIENCE: Duration = Duration::from_secs(60);

impl Work<'_> {
    /// Has the monolith predict in a run of its own for each repeat, since to measure a hop takes
    /// some of the machine, and notes it with the comparison's run of the same number: the same
    /// people do the same there.
    pub(in crate::load) async fn predict(&mut self, rate: f64) -> Result<()> {
        for repeat in 0..self.pace.other_repeats {
            let all = self.pace.other_repeats;
            say(format_args!("asking what extraction would cost, {} of {all} …", repeat + 1));
            let shown = self.shown(MONOLITH_AT, Layout::default()).await?;
            let asked = Asked::of(&shown.running.programs()[0].internal_url())?;
            let order = self.order(rate, repeat);
            let generator = self.generator(&shown);
            let predicted = generator.run_beside(&order, Vec::new(), |it| asked.between(it)).await;
            self.site.clear(shown).await?;
            let (run, predicted) = predicted?;
            let faults = &run.ledger.faults;
            ensure!(faults.is_empty(), "the books do not balance: {}", faults.join("; "));
            let prediction = of(&run, &predicted?)?;
            if let Some(compared) = self.compared(MONOLITH_AT, repeat) {
                compared.prediction = Some(prediction);
            }
        }
        Ok(())
    }
}

/// The internal listener of the program that is asked.
struct Asked(Client);

#[derive(Deserialize)]
struct Price {
    hop: HopFigures,
}

impl Asked {
    fn of(url: &str) -> Result<Self> {
        Client::new(url, PATIENCE).map(Self)
    }

    /// What was counted between the moments at which measuring began and ended, and what a hop cost
    /// meanwhile.
    async fn between(
        &self,
        mut moments: UnboundedReceiver<Moment>,
    ) -> Result<(Counted, HopFigures)> {
        let (begin, begun) = oneshot::channel();
        let counted = async {
            let (mut begin, mut first, mut last) =
                (Some(begin), Counted::default(), Counted::default());
            while let Some(moment) = moments.recv().await {
                let counted = hop::counted(&self.0).await?;
                match moment {
                    Moment::Begins => first = counted,
                    Moment::Ends => last = counted,
                }
                // Nobody waits for it twice.
                let _ = begin.take().map(|begin| begin.send(()));
            }
            Ok(last.since(&first))
        };
        let hop = async {
            begun.await.map_err(|_| anyhow!("nothing was measured"))?;
            let price: Price = hop::ask(&self.0, "GET /ops/price").await?;
            Ok(price.hop)
        };
        tokio::try_join!(counted, hop)
    }
}

/// For a request of `run`.
fn of(run: &Run, (counted, hop): &(Counted, HopFigures)) -> Result<Prediction> {
    let price = predict(CALLED, counted, hop);
    let request = price.requests.context("nobody asked billing for anything")?.added;
    let is_meant = |call: &&CallPrice| call.callee == CALLED && call.port != EVENT_INBOX;
    let (rates, added): (f64, f64) = price
        .calls
        .iter()
        .filter(is_meant)
        .map(|call| (call.per_second, call.per_second * call.added.mean_us))
        .fold((0.0, 0.0), |(rates, sum), (rate, added)| (rates + rate, sum + added));
    let finished: u64 = run.operations.values().map(|operation| operation.finished).sum();
    let cpu = price.added_cpu * 1e6 * run.measured_s / finished as f64;
    Ok(Prediction {
        request_p50: request.p50_us,
        request_p99: request.p99_us,
        call_mean: (rates > 0.0).then(|| added / rates),
        cpu_per_request: cpu,
    })
}

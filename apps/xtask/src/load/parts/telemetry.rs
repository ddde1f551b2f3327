//! The monolith with telemetry and without, at the same time.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use load_report::model::{Part, Run, names};
use loadtest::{
    client::{Client, Request},
    run::Moment,
};
use tokio::{sync::mpsc::UnboundedReceiver, time};

use crate::{
    console::say,
    load::{
        collector::Collector,
        generator::Order,
        site::{Layout, Shown},
        work::{MONOLITH_AT, Turn, Work},
    },
};

/// As `deploy/observability/prometheus/prometheus.yml` has it.
const READ_EVERY: Duration = Duration::from_secs(15);
/// How long a program may take to tell its metrics while it is busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Nothing is gathered, and nothing leaves the program.
const OFF: [(&str, &str); 3] = [
    ("ASHLAR__TELEMETRY__METRICS", "off"),
    ("ASHLAR__TELEMETRY__TRACE_RATE", "0"),
    ("ASHLAR__TELEMETRY__FAILED_TRACES", "false"),
];
/// As in production, where the endpoint is added.
const ON: [(&str, &str); 3] = [
    ("ASHLAR__TELEMETRY__METRICS", "open"),
    ("ASHLAR__TELEMETRY__TRACE_RATE", "0.1"),
    ("ASHLAR__TELEMETRY__FAILED_TRACES", "true"),
];

impl Work<'_> {
    /// Both do the same for the same people at the same moments, so that what slows the machine for a
    /// while slows both. Together they are asked for `rate`.
    pub(in crate::load) async fn telemetry(&mut self, rate: f64) -> Result<()> {
        for repeat in 0..self.pace.repeats {
            let all = self.pace.repeats;
            say(format_args!("with telemetry and without, {} of {all} …", repeat + 1));
            let collector = Collector::start().await.context("starting a collector")?;
            let off = self.told(settings(OFF)).await?;
            let mut on = settings(ON);
            on.push(("ASHLAR__TELEMETRY__ENDPOINT", collector.url()));
            let on = self.told(on).await?;
            let order = self.order(rate / 2.0, repeat);
            let measured = tokio::join!(
                self.measure_beside(&off, &order),
                self.measure_while_read(&on, &order)
            );
            // What is left is handed over when a program stops.
            self.site.clear(off).await?;
            self.site.clear(on).await?;
            collector.has_taken_both()?;
            let mut runs = [measured.0?, measured.1?];
            divide_engines(&mut runs);
            for (variant, run) in [names::TELEMETRY_OFF, names::TELEMETRY_ON].into_iter().zip(runs)
            {
                let part = Part::Telemetry;
                self.keep(Turn { part, position: MONOLITH_AT, variant, repeat }, run);
            }
        }
        Ok(())
    }

    async fn told(&mut self, settings: Vec<(&'static str, String)>) -> Result<Shown> {
        self.shown(MONOLITH_AT, Layout { settings, ..Layout::default() }).await
    }

    /// Reads metrics meanwhile, as Prometheus does.
    async fn measure_while_read(&self, shown: &Shown, order: &Order) -> Result<Run> {
        let client = Client::new(&shown.running.programs()[0].internal_url(), PATIENCE)?;
        let (generator, watched) = (self.generator(shown), self.site.watched(shown));
        let (run, read) = generator.run_beside(order, watched, |it| read(&client, it)).await?;
        read.map(|()| run)
    }
}

fn settings(settings: [(&'static str, &str); 3]) -> Vec<(&'static str, String)> {
    settings.map(|(name, value)| (name, value.to_owned())).into()
}

async fn read(client: &Client, mut moments: UnboundedReceiver<Moment>) -> Result<()> {
    if moments.recv().await.is_none() {
        return Ok(());
    }
    let mut due = time::interval(READ_EVERY);
    loop {
        tokio::select! {
            _ = due.tick() => {
                let answer = client.send(&Request::to("GET /metrics")).await.outcome;
                answer.map_err(|failure| anyhow!("no metrics: {}", failure.name()))?;
            }
            // That measuring ends, or that it came to nothing.
            _ = moments.recv() => return Ok(()),
        }
    }
}

/// Of engines that worked for all `runs` at once, each has as much as it has of the requests: what a
/// request asks of them is the same in all.
fn divide_engines(runs: &mut [Run]) {
    let finished = |run: &Run| -> u64 { run.operations.values().map(|it| it.finished).sum() };
    let all: u64 = runs.iter().map(finished).sum();
    for run in runs {
        let share = finished(run) as f64 / all.max(1) as f64;
        for name in names::ENGINES {
            if let Some(engine) = run.processes.get_mut(name) {
                engine.cpu = (engine.cpu as f64 * share) as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use load_report::model::{Ledger, Load, Operation, ProcessUse};

    use super::*;

    fn run(finished: u64) -> Run {
        let operation = Operation { finished, ..Operation::default() };
        let process =
            |name: &str| (name.to_owned(), ProcessUse { cpu: 1_000, ..ProcessUse::default() });
        Run {
            part: Part::Telemetry,
            shape: names::MONOLITH.to_owned(),
            variant: String::new(),
            repeat: 0,
            scenario: names::MIXED_DAY.to_owned(),
            load: Load::Open { rate: 1.0 },
            warm_up_s: 0.0,
            measured_s: 1.0,
            operations: BTreeMap::from([("GET /".to_owned(), operation)]),
            timeline: Vec::new(),
            processes: ["postgres", "monolith"].map(process).into(),
            database: None,
            hop: None,
            prediction: None,
            generator: None,
            ledger: Ledger::default(),
        }
    }

    #[test]
    fn engines_are_divided_by_requests_and_programs_are_not() {
        let mut runs = [run(100), run(300)];
        divide_engines(&mut runs);
        let cpu = runs.map(|run| ["postgres", "monolith"].map(|name| run.processes[name].cpu));
        assert_eq!(cpu, [[250, 1_000], [750, 1_000]]);
    }
}

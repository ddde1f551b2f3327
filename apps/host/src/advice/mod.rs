//! What the scaling advisor goes by: samples of the program's own metrics, taken every ten seconds and
//! kept for an hour, the older ones by the minute, so that rates are over a window that somebody can name.

mod families;
mod machine;
mod ring;
mod sample;
mod situation;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use advisor::{Advice, Situation, TableSituation, advise};
use seam::price::{Counted, HopFigures};
use storage::Store;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use self::{families::Families, ring::Ring, sample::Sample, situation::Between};
use crate::{config::AdvisorConfig, telemetry::Telemetry};

/// How often a sample is taken.
const EVERY: Duration = Duration::from_secs(10);
/// The longest window.
pub(crate) const LONGEST: Duration = Duration::from_secs(3_600);
/// How many tables are told, the largest first.
const TABLES: usize = 20;

/// Watches one program. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Advisor(Arc<Inner>);

struct Inner {
    program: &'static str,
    config: AdvisorConfig,
    telemetry: Telemetry,
    stores: Vec<(&'static str, Store)>,
    count: Box<dyn Fn() -> Counted + Send + Sync>,
    samples: Mutex<Ring<Sample>>,
}

impl Advisor {
    /// Of `program` with these modules, whose calls and requests `count` tells.
    pub(crate) fn new(
        program: &'static str,
        config: AdvisorConfig,
        telemetry: Telemetry,
        stores: &[(&'static str, Store)],
        count: impl Fn() -> Counted + Send + Sync + 'static,
    ) -> Self {
        let (stores, count) = (stores.to_vec(), Box::new(count));
        let advisor = Self(Arc::new(Inner {
            program,
            config,
            telemetry,
            stores,
            count,
            samples: Mutex::default(),
        }));
        advisor.keep_sample();
        advisor
    }

    /// Takes samples until `stop` is cancelled.
    pub(crate) async fn watch(self, stop: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watching = async {
            // The first tick is at once, and a sample of that moment is there.
            ticks.tick().await;
            loop {
                ticks.tick().await;
                self.keep_sample();
            }
        };
        stop.run_until_cancelled(watching).await;
    }

    /// The program over the last `window`, or for as long as it was watched. `None` where nothing is
    /// gathered.
    pub(crate) async fn situation(
        &self,
        window: Duration,
        hop: Option<&HopFigures>,
    ) -> Option<Situation> {
        let now = self.sample()?;
        let earlier = self.samples().earliest(now.at, window)?.clone();
        let modules: Vec<&'static str> = self.0.stores.iter().map(|(module, _)| *module).collect();
        let between = Between {
            program: self.0.program,
            earlier: &earlier,
            now: &now,
            machine: machine::machine(),
            config: &self.0.config,
            modules: &modules,
            hop,
        };
        Some(Situation { tables: self.tables().await, ..between.situation() })
    }

    /// What to do in a situation.
    pub(crate) fn advice(&self, situation: &Situation) -> Advice {
        advise(situation, &self.0.config.thresholds)
    }

    fn keep_sample(&self) {
        let Some(sample) = self.sample() else { return };
        self.samples().keep(sample.at, sample);
    }

    fn sample(&self) -> Option<Sample> {
        let families = Families(self.0.telemetry.metrics()?.gather());
        Some(Sample::of(&families, (self.0.count)()))
    }

    /// The largest tables. A database that does not answer leaves them out: it is advice, and no more.
    async fn tables(&self) -> Vec<TableSituation> {
        let mut tables = Vec::new();
        for (module, store) in &self.0.stores {
            let rows = store.table_rows().await.unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(service.name = module, error, "the tables' sizes are not known");
                Vec::new()
            });
            tables.extend(rows.into_iter().map(|(table, rows)| TableSituation {
                module: (*module).to_owned(),
                table,
                rows: Some(rows),
            }));
        }
        tables.sort_by(|one, other| other.rows.unwrap_or(0.0).total_cmp(&one.rows.unwrap_or(0.0)));
        tables.truncate(TABLES);
        tables
    }

    fn samples(&self) -> MutexGuard<'_, Ring<Sample>> {
        self.0.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

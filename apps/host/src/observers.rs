//! Who looks on while a program works, and what they go by.

use std::{sync::Arc, time::Instant};

use ::dashboard::Rates;
use module::Ports;
use seam::price::Counted;
use storage::Store;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use web::{Territory, Traffic};

use crate::{advice::Advisor, catalogue, config::Config, dashboard, telemetry::Telemetry};

/// Those of one program.
pub(crate) struct Observers {
    /// When they began.
    pub(crate) started: Instant,
    /// Counts what clients ask for.
    pub(crate) traffic: Arc<Traffic>,
    /// Where there are metrics that it goes by.
    pub(crate) advisor: Option<Advisor>,
    /// Where there is a dashboard that shows them.
    pub(crate) rates: Option<Arc<Rates>>,
}

impl Observers {
    /// Those of the program `name`, of whose modules these are the stores.
    pub(crate) fn of(
        name: &'static str,
        config: &Config,
        ports: &Ports,
        stores: &[(&'static str, Store)],
        telemetry: Option<&Telemetry>,
    ) -> Self {
        let territories = catalogue::MODULES.iter().map(|module| Territory {
            module: module.name,
            prefixes: module.public_prefixes,
            is_here: stores.iter().any(|(here, _)| *here == module.name),
        });
        let traffic = Arc::new(Traffic::of(territories));
        let started = Instant::now();
        let advisor = telemetry.cloned().map(|telemetry| {
            let (ports, traffic) = (ports.clone(), Arc::clone(&traffic));
            let count = move || counted(started, &ports, &traffic);
            Advisor::new(name, config.advisor.clone(), telemetry, stores, count)
        });
        let rates = dashboard::rates(config, ports, telemetry);
        Self { started, traffic, advisor, rates }
    }

    /// Has them look every so often, until `stop` is cancelled.
    pub(crate) fn watch(&self, engines: &mut JoinSet<()>, stop: &CancellationToken) {
        if let Some(advisor) = &self.advisor {
            engines.spawn(advisor.clone().watch(stop.clone()));
        }
        if let Some(rates) = &self.rates {
            engines.spawn(Arc::clone(rates).watch(stop.clone()));
        }
    }
}

/// What crossed boundaries since the program was started.
pub(crate) fn counted(started: Instant, ports: &Ports, traffic: &Traffic) -> Counted {
    Counted { over: started.elapsed(), calls: ports.meter().read(), requests: traffic.read() }
}

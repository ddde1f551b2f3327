//! How many calls there are between modules, and where their time goes.
//!
//! One [`Meter`] for each process. A client gets its counters when it is made and finds them by the
//! method's place, so that a call looks nothing up and waits for nobody.

mod counter;
mod direct;
mod figures;
mod told;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use telemetry::metrics::KeyValue;

use crate::{Method, PortDescriptor};

use counter::Counter;
pub(crate) use counter::Exchange;
pub use direct::DirectCall;
pub use figures::{CallFigures, RequestFigures, StepFigures, WireFigures};

/// How direct calls are named among [`CallFigures::transport`].
pub const DIRECT: &str = "direct";
/// What stands for all names of calls that are counted together, since there are too many lanes.
const OTHER: &str = "other";

/// Counts the calls of one process to its own modules and to others.
#[derive(Debug, Default)]
pub struct Meter {
    lanes: Arc<Lanes>,
}

type Lanes = Mutex<BTreeMap<Lane, Arc<Counter>>>;

/// Calls that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Lane {
    caller: String,
    service: String,
    port: &'static str,
    version: u32,
    method: &'static str,
    transport: &'static str,
}

impl Meter {
    /// The most lanes that are kept apart. The calls of all further ones are counted together, by
    /// transport, with `other` for their names.
    pub const MOST_LANES: usize = 1_024;

    /// Has counted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the calls of `caller`, a module or a program, to `port` of `service` in this process.
    #[must_use]
    pub fn direct(&self, caller: &str, service: &str, port: &PortDescriptor) -> Counters {
        self.over(DIRECT, caller, service, port)
    }

    /// Counts those that go over `transport`, such as [`crate::Transport::name`] says.
    #[must_use]
    pub fn over(
        &self,
        transport: &'static str,
        caller: &str,
        service: &str,
        port: &PortDescriptor,
    ) -> Counters {
        let mut lanes = in_use(&self.lanes);
        let counters = port.methods.iter().map(|method| {
            let lane = Lane {
                caller: caller.to_owned(),
                service: service.to_owned(),
                port: port.name,
                version: port.version,
                method: method.name,
                transport,
            };
            let is_full = lanes.len() >= Self::MOST_LANES && !lanes.contains_key(&lane);
            let lane = if is_full { Lane::other(transport) } else { lane };
            let counter = lanes.entry(lane).or_insert_with_key(|lane| Arc::new(Counter::of(lane)));
            Arc::clone(counter)
        });
        Counters(counters.collect())
    }

    /// What was counted since the process began, of each lane that was used, by its names. Calls in
    /// hand may be counted in one figure and not yet in another.
    #[must_use]
    pub fn read(&self) -> Vec<CallFigures> {
        let lanes = in_use(&self.lanes);
        let figures = lanes.iter().map(|(lane, counter)| counter.figures(lane));
        figures.filter(|figures| figures.calls > 0).collect()
    }
}

fn in_use(lanes: &Lanes) -> MutexGuard<'_, BTreeMap<Lane, Arc<Counter>>> {
    // Nothing that is done under it can leave it half done.
    lanes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lane {
    fn attributes(&self) -> Vec<KeyValue> {
        vec![
            KeyValue::new("caller", self.caller.clone()),
            KeyValue::new("callee", self.service.clone()),
            KeyValue::new("port", self.port),
            KeyValue::new("method", self.method),
            KeyValue::new("transport", self.transport),
        ]
    }

    fn other(transport: &'static str) -> Self {
        Self {
            caller: OTHER.to_owned(),
            service: OTHER.to_owned(),
            port: OTHER,
            version: 0,
            method: OTHER,
            transport,
        }
    }
}

/// Where one client counts its calls, method by method.
#[derive(Clone, Debug)]
pub struct Counters(Arc<[Arc<Counter>]>);

impl Counters {
    /// Counts nothing.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn of<M: Method>(&self) -> Option<&Counter> {
        self.0.get(M::INDEX).map(|counter| &**counter)
    }
}

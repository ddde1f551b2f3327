//! Runs of which every figure is known.

use std::collections::BTreeMap;

use load_report::model::{
    Ledger, Load, Operation, Part, ProcessUse, Run, histogram,
    names::{MIXED_DAY, MONOLITH},
};

use crate::made_up::READ;

/// What a run of ten seconds was like; every request took the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact {
    pub part: Part,
    pub shape: &'static str,
    pub variant: &'static str,
    pub repeat: u32,
    pub rate: f64,
    pub operation: &'static str,
    pub done: u64,
    pub refused: u64,
    /// Microseconds.
    pub latency: u64,
    /// Microseconds of processor time for all of them.
    pub cpu: u64,
}

impl Exact {
    pub(crate) fn of(part: Part, shape: &'static str, repeat: u32) -> Self {
        Self {
            part,
            shape,
            variant: "",
            repeat,
            rate: 100.0,
            operation: READ,
            done: 1_000,
            refused: 0,
            latency: 1_000,
            cpu: 2_000_000,
        }
    }

    pub(crate) fn run(self) -> Run {
        let mut latency = histogram::empty();
        latency.record_n(self.latency, self.done).expect("it takes any time");
        let latency = histogram::write(&latency).expect("it is small");
        let operation = Operation {
            intended: self.done + self.refused,
            done: self.done,
            finished: self.done,
            failed: BTreeMap::from([("503".to_owned(), self.refused)]),
            service: latency.clone(),
            latency,
            ..Operation::default()
        };
        let process =
            |cpu| ProcessUse { count: 1, cpu, resident_peak: 1 << 20, ..ProcessUse::default() };
        Run {
            part: self.part,
            shape: self.shape.to_owned(),
            variant: self.variant.to_owned(),
            repeat: self.repeat,
            scenario: MIXED_DAY.to_owned(),
            load: Load::Open { rate: self.rate },
            warm_up_s: 1.0,
            measured_s: 10.0,
            operations: BTreeMap::from([(self.operation.to_owned(), operation)]),
            timeline: Vec::new(),
            processes: BTreeMap::from([
                (MONOLITH.to_owned(), process(self.cpu)),
                ("loadtest".to_owned(), process(9_000_000)),
            ]),
            database: None,
            hop: None,
            prediction: None,
            generator: None,
            ledger: Ledger {
                compared: BTreeMap::from([("charges".to_owned(), (5, 5))]),
                faults: Vec::new(),
            },
        }
    }
}

/// Two shapes, or variants, whose repeats took these times in microseconds.
pub(crate) fn latencies<const N: usize>(
    first: Exact,
    second: Exact,
    times: [(u64, u64); N],
) -> Vec<Run> {
    let pair = |(repeat, (one, other))| {
        let repeat = u32::try_from(repeat).expect("there are few");
        [Exact { latency: one, repeat, ..first }, Exact { latency: other, repeat, ..second }]
    };
    times.into_iter().enumerate().flat_map(pair).map(Exact::run).collect()
}

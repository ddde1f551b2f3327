//! Campaigns that nobody measured: requests through a made-up queue before two processors, so that
//! knees, stalls and tails come about as they do in a server.

mod campaigns;

use std::collections::BTreeMap;

use load_report::model::{
    DatabaseUse, Generator, Hop, Late, Ledger, Load, Operation, Part, Prediction, ProcessUse, Run,
    Second,
    histogram::{self, Histogram},
    names::{MIXED_DAY, MONOLITH},
};

pub(crate) use campaigns::{campaign, compared, everything};

pub(crate) const EXTRACTED: &str = "billing extracted";
pub(crate) const READ: &str = "GET /v1/billing/subscription";

/// Name, share of requests, milliseconds of processor time, whether it is billing's.
const OPERATIONS: [(&str, f64, f64, bool); 5] = [
    (READ, 0.4, 1.0, true),
    ("GET /v1/billing/entitlements", 0.2, 0.8, true),
    ("POST /v1/billing/usage-events", 0.3, 1.5, true),
    ("POST /v1/auth/login", 0.03, 20.0, false),
    ("GET /v1/auth/me", 0.07, 0.6, false),
];

/// What a run is made up from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub part: Part,
    pub shape: &'static str,
    pub variant: &'static str,
    pub repeat: u32,
    pub scenario: &'static str,
    pub rate: f64,
    pub seconds: u32,
    /// Milliseconds of processor time that each request of billing takes in addition.
    pub hop: f64,
    /// Whether billing has a processor of its own.
    pub apart: bool,
    /// How often usage comes, beside what else does.
    pub flood: f64,
    /// A second in which nothing is served.
    pub stall: Option<u32>,
}

impl Plan {
    pub(crate) fn of(part: Part, shape: &'static str, repeat: u32) -> Self {
        Self {
            part,
            shape,
            variant: "",
            repeat,
            scenario: MIXED_DAY,
            rate: 100.0,
            seconds: 4,
            hop: if shape == EXTRACTED { 0.3 } else { 0.0 },
            apart: false,
            flood: 1.0,
            stall: None,
        }
    }

    pub(crate) fn run(self) -> Run {
        let mut dice =
            Dice(u64::from(self.repeat) * 31 + self.shape.len() as u64 + (self.rate as u64) * 7);
        let luck = 1.0 + 0.03 * dice.normal();
        let mut kept: BTreeMap<&str, (Operation, Histogram<u64>)> = BTreeMap::new();
        let mut seconds = vec![(Second::default(), histogram::empty()); self.seconds as usize];
        let (mut clock, mut free, mut busy) = (0.0, [0.0_f64; 2], 0.0);
        loop {
            clock += dice.exponential() * 1_000.0 / self.rate;
            let Some((second, times)) = seconds.get_mut((clock / 1_000.0) as usize) else { break };
            let (name, cpu, billing) = self.pick(&mut dice);
            let (operation, latencies) =
                kept.entry(name).or_insert_with(|| (Operation::default(), histogram::empty()));
            operation.intended += 1;
            second.offered += 1;
            let at = match (self.apart, billing) {
                (true, false) => 0,
                (true, true) => 1,
                (false, _) => usize::from(free[1] < free[0]),
            };
            let stalled = self.stall.map_or(0.0, |stall| f64::from(stall) * 1_000.0);
            let ready = if clock >= stalled && clock < stalled + 1_000.0 && self.stall.is_some() {
                stalled + 1_000.0
            } else {
                clock
            };
            let start = free[at].max(ready);
            if self.stall.is_none() && start - clock > 400.0 {
                busy += 0.05;
                free[at] += 0.05;
                second.failed += 1;
                *operation.failed.entry("503".to_owned()).or_default() += 1;
                continue;
            }
            let work = cpu * luck * (0.25 * dice.normal()).exp();
            free[at] = start + work;
            busy += work;
            let micros = ((start + work - clock) * 1_000.0 + 150.0) as u64;
            operation.done += 1;
            operation.finished += 1;
            operation.bytes += 900;
            second.done += 1;
            for histogram in [&mut *latencies, times] {
                histogram.record(micros).expect("it takes any time");
            }
        }
        self.into_run(kept, seconds, busy, &mut dice)
    }

    fn pick(&self, dice: &mut Dice) -> (&'static str, f64, bool) {
        let weight = |(name, share, ..): &(&str, f64, f64, bool)| {
            if name.contains("usage") { share * self.flood } else { *share }
        };
        let mut left = dice.uniform() * OPERATIONS.iter().map(weight).sum::<f64>();
        for operation in &OPERATIONS {
            left -= weight(operation);
            if left <= 0.0 {
                let (name, _, cpu, billing) = *operation;
                return (name, if billing { cpu + self.hop } else { cpu }, billing);
            }
        }
        (READ, 1.0, true)
    }

    fn into_run(
        self,
        kept: BTreeMap<&str, (Operation, Histogram<u64>)>,
        seconds: Vec<(Second, Histogram<u64>)>,
        busy: f64,
        dice: &mut Dice,
    ) -> Run {
        let operation = |(name, (operation, latency)): (&str, (Operation, Histogram<u64>))| {
            let text = histogram::write(&latency).expect("it is small");
            (name.to_owned(), Operation { latency: text.clone(), service: text, ..operation })
        };
        let operations: BTreeMap<String, Operation> = kept.into_iter().map(operation).collect();
        let done: u64 = operations.values().map(|operation| operation.done).sum();
        let told = |second: (Second, Histogram<u64>)| Second {
            p50: second.1.value_at_quantile(0.5),
            p99: second.1.value_at_quantile(0.99),
            max: second.1.max(),
            ..second.0
        };
        let is_extracted = self.shape == EXTRACTED;
        Run {
            part: self.part,
            shape: self.shape.to_owned(),
            variant: self.variant.to_owned(),
            repeat: self.repeat,
            scenario: self.scenario.to_owned(),
            load: Load::Open { rate: self.rate },
            warm_up_s: 5.0,
            measured_s: f64::from(self.seconds),
            operations,
            timeline: seconds.into_iter().map(told).collect(),
            processes: processes(self.seconds, busy, is_extracted, dice),
            database: Some(DatabaseUse {
                round_trips: done * 2,
                sent: done * 700,
                received: done * 1_900,
                requests: done,
            }),
            hop: is_extracted.then(|| Hop {
                calls: done * 9 / 10,
                serialize: 24.0 + dice.normal(),
                network: 96.0 + 4.0 * dice.normal(),
                queue: 41.0 + 3.0 * dice.normal(),
                handle: 890.0 + 12.0 * dice.normal(),
            }),
            prediction: (self.shape == MONOLITH && self.part == Part::Compare).then(|| {
                Prediction {
                    request_p50: 310.0 + 10.0 * dice.normal(),
                    request_p99: 900.0 + 90.0 * dice.normal(),
                    call_mean: Some(170.0 + 6.0 * dice.normal()),
                    cpu_per_request: 120.0 + 5.0 * dice.normal(),
                }
            }),
            generator: Some(Generator {
                workers: 1,
                requests: done,
                cpu: (busy * 200.0) as u64,
                late: Late { p50: 80, p99: 900, max: 4_000 },
                journeys: done,
                complete: done,
                most_under_way: 20,
                ..Generator::default()
            }),
            ledger: Ledger {
                compared: BTreeMap::from([
                    ("charges".to_owned(), (done / 50, done / 50)),
                    ("subscriptions".to_owned(), (done / 40, done / 40)),
                ]),
                faults: Vec::new(),
            },
        }
    }
}

fn processes(
    seconds: u32,
    busy: f64,
    is_extracted: bool,
    dice: &mut Dice,
) -> BTreeMap<String, ProcessUse> {
    let mut process = |share: f64, mib: f64| {
        let bytes = |mib: f64| (mib * 1_048_576.0) as u64;
        let points = (0..=seconds)
            .map(|at| bytes(mib * (1.0 - 0.2 * (-f64::from(at)).exp()) + 0.2 * dice.normal()));
        ProcessUse {
            count: 1,
            cpu: (busy * 1_000.0 * share) as u64,
            resident: (bytes(mib * 0.8), bytes(mib)),
            resident_peak: bytes(mib * 1.02),
            resident_over_time: points.collect(),
        }
    };
    let mut all = BTreeMap::from([
        ("loadtest".to_owned(), process(0.2, 30.0)),
        ("postgres".to_owned(), process(0.35, 140.0)),
    ]);
    if is_extracted {
        all.insert("monolith".to_owned(), process(0.25, 48.0));
        all.insert("billing-service".to_owned(), process(0.4, 39.0));
    } else {
        all.insert("monolith".to_owned(), process(0.65, 62.0));
    }
    all
}

/// The same every time.
#[derive(Clone, Copy, Debug)]
struct Dice(u64);

impl Dice {
    /// SplitMix64.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

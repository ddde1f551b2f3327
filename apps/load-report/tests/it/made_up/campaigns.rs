//! Which runs there are.

use load_report::model::{
    About, Build, Campaign, Data, Machine, Part, Run, Start,
    names::{BARE, BY_HAND, MONOLITH, REMEMBERING, TELEMETRY_OFF, TELEMETRY_ON},
};

use super::{EXTRACTED, Plan};

/// A campaign of these runs and nothing else.
pub(crate) fn campaign(runs: Vec<Run>) -> Campaign {
    let about = About {
        commit: "made-up".to_owned(),
        started_at: "2001-01-01T00:00:00Z".to_owned(),
        command: "none: nobody measured this".to_owned(),
        build: Build::Optimised,
        seed: 7,
        engine: "a made-up queue".to_owned(),
        machine: Machine {
            cores: 2,
            processor: "made up".to_owned(),
            memory: 8 << 30,
            system: "none".to_owned(),
        },
        data: Data {
            tenants: 200,
            people: 2_000,
            subscriptions: 150,
            invoices: 1_800,
            usage_events: 90_000,
        },
        caveats: vec!["Every figure here is made up to try the report.".to_owned()],
        took_s: 0,
    };
    Campaign { about, runs, starts: Vec::new() }
}

/// The shapes taking turns.
pub(crate) fn compared(repeats: u32) -> Vec<Run> {
    let turns = (0..repeats).flat_map(|repeat| [MONOLITH, EXTRACTED].map(|shape| (shape, repeat)));
    turns.map(|(shape, repeat)| Plan::of(Part::Compare, shape, repeat).run()).collect()
}

/// One shape against itself.
fn noise(repeats: u32, rate: f64, seconds: u32) -> Vec<Run> {
    let turns = (0..repeats).flat_map(|repeat| ["A", "B"].map(|variant| (variant, repeat)));
    turns
        .map(|(variant, repeat)| {
            // Another number is other luck, and is what another run has.
            let luck = repeat * 2 + u32::from(variant == "B") + 100;
            let run =
                Plan { variant, rate, seconds, ..Plan::of(Part::Noise, MONOLITH, luck) }.run();
            Run { repeat, ..run }
        })
        .collect()
}

/// Every part, with runs of so many seconds.
pub(crate) fn everything(seconds: u32) -> Campaign {
    let mut plans = Vec::new();
    let mut add = |plan: Plan| plans.push(Plan { seconds, ..plan });
    for repeat in 0..5 {
        for shape in [MONOLITH, EXTRACTED] {
            let of = |part| Plan::of(part, shape, repeat);
            let stall = (repeat == 2 && shape == EXTRACTED).then_some(seconds * 2 / 3);
            add(Plan { rate: 550.0, stall, ..of(Part::Compare) });
            add(Plan {
                rate: 1_250.0,
                apart: shape == EXTRACTED,
                flood: 3.0,
                variant: "flooded",
                ..of(Part::NoisyNeighbour)
            });
            add(Plan {
                rate: 60.0,
                apart: shape == EXTRACTED,
                variant: "quiet",
                ..of(Part::NoisyNeighbour)
            });
            add(Plan { rate: 770.0, ..of(Part::RollingRestart) });
        }
        for (variant, apart) in [("1 replica", true), ("2 replicas", false)] {
            add(Plan {
                rate: 1_000.0,
                variant,
                apart,
                ..Plan::of(Part::Scaling, EXTRACTED, repeat)
            });
        }
        for (shape, hop) in [(MONOLITH, 0.1), (BY_HAND, 0.0), (REMEMBERING, -0.1), (BARE, -0.3)] {
            add(Plan { hop, rate: 300.0, ..Plan::of(Part::Baseline, shape, repeat) });
        }
        for (variant, hop) in [(TELEMETRY_OFF, 0.0), (TELEMETRY_ON, 0.03)] {
            let of = Plan::of(Part::Telemetry, MONOLITH, repeat);
            add(Plan { hop, variant, rate: 600.0, ..of });
        }
    }
    for (shape, rate) in [MONOLITH, EXTRACTED].iter().flat_map(|shape| {
        [150.0, 300.0, 450.0, 600.0, 750.0, 900.0, 1_050.0, 1_200.0, 1_400.0]
            .map(|rate| (*shape, rate))
    }) {
        for repeat in 0..3 {
            add(Plan { rate, ..Plan::of(Part::Sweep, shape, repeat) });
        }
    }
    for shape in [MONOLITH, EXTRACTED] {
        for repeat in 0..5 {
            add(Plan { rate: 3_600.0, ..Plan::of(Part::Overload, shape, repeat) });
        }
    }
    let soak = |shape| Plan { rate: 80.0, seconds: seconds * 20, ..Plan::of(Part::Soak, shape, 0) };
    plans.extend([MONOLITH, EXTRACTED].map(soak));
    let mut runs: Vec<Run> = plans.into_iter().map(Plan::run).collect();
    runs.extend(noise(5, 550.0, seconds));
    let starts = [171_000, 168_000, 176_000, 169_500, 173_000].map(|ready| Start {
        program: MONOLITH.to_owned(),
        engine: "embedded".to_owned(),
        ready,
    });
    Campaign { starts: starts.to_vec(), ..campaign(runs) }
}

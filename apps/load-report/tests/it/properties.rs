//! Whatever a campaign holds, there is a page of it.

use std::collections::BTreeMap;

use load_report::{
    model::{
        Campaign, DatabaseUse, Generator, Hop, Late, Ledger, Load, Operation, Part, Prediction,
        ProcessUse, Run, Second, Start, histogram,
        names::{BARE, BY_HAND, MIXED_DAY, MONOLITH, REMEMBERING},
    },
    render,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::{
    made_up::{EXTRACTED, READ, campaign},
    page::check,
};

const PARTS: [Part; 10] = [
    Part::Noise,
    Part::Compare,
    Part::Sweep,
    Part::Overload,
    Part::NoisyNeighbour,
    Part::Scaling,
    Part::RollingRestart,
    Part::Soak,
    Part::Baseline,
    Part::Telemetry,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_campaign_has_a_valid_page(campaign in any_campaign()) {
        let page = render(&campaign);
        check(&page);
        prop_assert_eq!(render(&campaign), page);
    }
}

/// Counts as they are, and as nobody would believe them.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..5_000_u64, 1 => Just(0), 1 => any::<u64>()]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 0.0..5_000.0, 1 => select(vec![0.0, -1.0, 1e-300, 1e300, f64::NAN, f64::INFINITY])]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z ]{1,60}", r#"[<>&"'/!\-\]]{1,12}"#]
}

fn any_histogram() -> impl Strategy<Value = String> {
    let real = vec(1..u64::MAX / 2, 0..20).prop_map(|times| {
        let mut histogram = histogram::empty();
        times
            .into_iter()
            .for_each(|time| histogram.record(time >> (time % 60)).expect("it takes any"));
        histogram::write(&histogram).expect("it is small")
    });
    prop_oneof![6 => real, 1 => Just(String::new()), 1 => text()]
}

prop_compose! {
    fn operation()(
        counts in [count(), count(), count(), count(), count()],
        failed in (text(), count()),
        latency in any_histogram(),
        service in any_histogram(),
    ) -> Operation {
        let [intended, done, finished, dropped, bytes] = counts;
        Operation { intended, done, finished, failed: BTreeMap::from([failed]), dropped, bytes, latency, service }
    }
}

prop_compose! {
    fn process()(
        count in 0..4_u32,
        cpu in count(),
        resident in (count(), count()),
        resident_peak in count(),
        resident_over_time in vec(count(), 0..20),
    ) -> ProcessUse {
        ProcessUse { count, cpu, resident, resident_peak, resident_over_time }
    }
}

prop_compose! {
    fn second()(counts in [count(), count(), count(), count(), count(), count()]) -> Second {
        let [offered, done, failed, p50, p99, max] = counts;
        Second { offered, done, failed, p50, p99, max }
    }
}

prop_compose! {
    fn generator()(
        counts in [count(), count(), count(), count(), count(), count(), count()],
        stuck in (text(), count()),
        remarks in vec(text(), 0..2),
    ) -> Generator {
        let [requests, cpu, p50, p99, max, journeys, complete] = counts;
        let (late, stuck) = (Late { p50, p99, max }, BTreeMap::from([stuck]));
        Generator { requests, cpu, late, journeys, complete, stuck, remarks, ..Generator::default() }
    }
}

prop_compose! {
    fn around()(
        database in option::of([count(), count(), count(), count()]),
        hop in option::of((count(), [number(), number(), number(), number()])),
        compared in (text(), (count(), count())),
        faults in vec(text(), 0..2),
        generator in option::of(generator()),
        said in option::of(([number(), number(), number()], option::of(number()))),
    ) -> (Option<DatabaseUse>, Option<Hop>, Option<Prediction>, Option<Generator>, Ledger) {
        let database = database.map(|[round_trips, sent, received, requests]| {
            DatabaseUse { round_trips, sent, received, requests }
        });
        let hop = hop.map(|(calls, [serialize, network, queue, handle])| {
            Hop { calls, serialize, network, queue, handle }
        });
        let prediction = said.map(|([request_p50, request_p99, cpu_per_request], call_mean)| {
            Prediction { request_p50, request_p99, call_mean, cpu_per_request }
        });
        let ledger = Ledger { compared: BTreeMap::from([compared]), faults };
        (database, hop, prediction, generator, ledger)
    }
}

prop_compose! {
    fn run()(
        part in select(PARTS.to_vec()),
        shape in prop_oneof![select(vec![MONOLITH, EXTRACTED, BY_HAND, REMEMBERING, BARE]).prop_map(str::to_owned), text()],
        variant in prop_oneof![3 => Just(String::new()), 1 => text()],
        repeat in 0..4_u32,
        scenario in prop_oneof![3 => Just(MIXED_DAY.to_owned()), 1 => text()],
        load in prop_oneof![
            number().prop_map(|rate| Load::Open { rate }),
            Just(Load::Open { rate: 100.0 }),
            (0..50_u32).prop_map(|people| Load::Closed { people }),
        ],
        times in (number(), number()),
        operations in vec((prop_oneof![Just(READ.to_owned()), text()], operation()), 0..3),
        timeline in vec(second(), 0..6),
        processes in vec((prop_oneof![Just(MONOLITH.to_owned()), text()], process()), 0..3),
        (database, hop, prediction, generator, ledger) in around(),
    ) -> Run {
        let (warm_up_s, measured_s) = times;
        Run {
            part, shape, variant, repeat, scenario, load, warm_up_s, measured_s,
            operations: operations.into_iter().collect(),
            timeline,
            processes: processes.into_iter().collect(),
            database, hop, prediction, generator, ledger,
        }
    }
}

prop_compose! {
    fn any_campaign()(
        runs in vec(run(), 0..14),
        started in vec((text(), text(), count()), 0..3),
        took_s in count(),
        caveats in vec(text(), 0..2),
    ) -> Campaign {
        let mut campaign = campaign(runs);
        let start = |(program, engine, ready)| Start { program, engine, ready };
        campaign.starts = started.into_iter().map(start).collect();
        campaign.about.took_s = took_s;
        campaign.about.caveats = caveats;
        campaign
    }
}

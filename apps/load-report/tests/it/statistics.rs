//! Figures of runs that are known exactly.

use load_report::{
    model::{Part, names::MONOLITH},
    statistics::{
        Cost, Judgement, Knee, Metric, Prices, Statistics, counterparts, curves, noise, overloads,
        paired,
    },
};

use crate::{
    exact::{Exact, latencies},
    made_up::{EXTRACTED, campaign},
};

const SLOWER: [(u64, u64); 5] =
    [(1_000, 1_200), (1_010, 1_215), (990, 1_185), (1_005, 1_205), (995, 1_195)];

fn compare(shape: &'static str) -> Exact {
    Exact::of(Part::Compare, shape, 0)
}

#[test]
fn shapes_are_compared_within_a_repeat() {
    let campaign = campaign(latencies(compare(MONOLITH), compare(EXTRACTED), SLOWER));
    let statistics = Statistics::new(&campaign);
    let pairs = counterparts(&statistics, Part::Compare);
    let [(base, other)] = pairs.as_slice() else { panic!("one pair: {pairs:?}") };
    let paired = paired(base, other, Metric::P50).expect("both have it");
    // Differences 200, 205, 195, 200, 200: mean 200, standard error √(12.5 / 5), times 2.776445.
    let (low, high) = paired.difference.interval.expect("five repeats");
    assert_eq!((paired.base, paired.other, paired.difference.mean), (1_000.0, 1_200.0, 200.0));
    assert!((low - 195.610).abs() < 0.001 && (high - 204.390).abs() < 0.001, "{low} {high}");
    assert_eq!(paired.judge(None), Judgement::Differs);
}

#[test]
fn a_repeat_that_only_one_shape_has_is_left_out() {
    let mut runs = latencies(compare(MONOLITH), compare(EXTRACTED), SLOWER);
    runs.push(Exact { repeat: 9, latency: 900_000, ..compare(EXTRACTED) }.run());
    let campaign = campaign(runs);
    let statistics = Statistics::new(&campaign);
    let pairs = counterparts(&statistics, Part::Compare);
    let paired = paired(pairs[0].0, pairs[0].1, Metric::P50).expect("both have five");
    assert_eq!((paired.difference.repeats, paired.difference.mean), (5, 200.0));
}

#[test]
fn the_order_in_which_runs_were_made_does_not_matter() {
    let mut runs = latencies(compare(MONOLITH), compare(EXTRACTED), SLOWER);
    runs.reverse();
    let campaign = campaign(runs);
    let statistics = Statistics::new(&campaign);
    assert_eq!(statistics.shapes, [MONOLITH, EXTRACTED]);
    let pairs = counterparts(&statistics, Part::Compare);
    let paired = paired(pairs[0].0, pairs[0].1, Metric::P50).expect("both have five");
    assert_eq!(paired.difference.mean, 200.0);
}

#[test]
fn noise_is_how_far_one_shape_lies_from_itself() {
    let variant = |variant| Exact { variant, ..Exact::of(Part::Noise, MONOLITH, 0) };
    let times = [(1_000, 1_010), (1_000, 990), (1_000, 1_000), (1_000, 1_005), (1_000, 995)];
    let campaign = campaign(latencies(variant("A"), variant("B"), times));
    let statistics = Statistics::new(&campaign);
    let noise = noise(&statistics, "mixed-day", |_| true, Metric::P50).expect("measured");
    // Of 10, 10, 0, 5 and 5, whichever run is the slower one.
    assert!((noise - 6.0).abs() < 1e-9, "{noise}");
}

#[test]
fn the_generator_is_nobodys_cost() {
    let campaign = campaign(vec![compare(MONOLITH).run()]);
    let statistics = Statistics::new(&campaign);
    let sample = &statistics.groups[0].samples[0];
    assert_eq!(Metric::CpuPerRequest.of(sample), Some(2.0));
    assert_eq!(Metric::RequestsPerCpu.of(sample), Some(500.0));
    assert_eq!(Metric::Memory.of(sample), Some(1_048_576.0));
    let cost = Cost::of(&statistics.groups[0]).expect("measured");
    // 2 ms a million times are 2,000 s; 1 MiB is held for the 10,000 s that they take.
    assert!((cost.cpu_hours - 2_000.0 / 3_600.0).abs() < 1e-12, "{cost:?}");
    assert!((cost.gib_hours - 10_000.0 / 3_600.0 / 1_024.0).abs() < 1e-12, "{cost:?}");
    let prices = Prices { cpu_hour: 36.0, gib_hour: 0.0 };
    assert!((cost.total(prices) - 20.0).abs() < 1e-9);
}

#[test]
fn the_knee_is_the_highest_rate_that_is_served_well() {
    let rate = |rate: f64, done, refused, latency| {
        Exact { rate, done, refused, latency, ..Exact::of(Part::Sweep, MONOLITH, 0) }.run()
    };
    let well = [rate(100.0, 1_000, 0, 1_000), rate(200.0, 1_990, 10, 240_000)];
    let knee = |runs: &[_]| {
        let campaign = campaign(runs.to_vec());
        curves(&Statistics::new(&campaign), Part::Sweep)[0].knee().expect("there are rates")
    };
    assert_eq!(knee(&well), Knee::AtLeast(200.0));
    let refusing = [&well[..], &[rate(300.0, 2_900, 100, 240_000)]].concat();
    assert_eq!(knee(&refusing), Knee::At(200.0));
    let slow = [&well[..], &[rate(300.0, 3_000, 0, 260_000)]].concat();
    assert_eq!(knee(&slow), Knee::At(200.0));
    assert_eq!(knee(&[rate(300.0, 0, 3_000, 1)]), Knee::Below(300.0));
}

#[test]
fn overload_is_judged_by_the_peak_of_the_sweep() {
    let of = |part, rate, done, refused| {
        Exact { rate, done, refused, ..Exact::of(part, MONOLITH, 0) }.run()
    };
    let campaign = campaign(vec![
        of(Part::Sweep, 100.0, 1_000, 0),
        of(Part::Sweep, 200.0, 1_500, 500),
        of(Part::Overload, 450.0, 1_200, 3_300),
    ]);
    let statistics = Statistics::new(&campaign);
    let found: Vec<_> = overloads(&statistics)
        .iter()
        .map(|overload| (overload.peak, overload.times, overload.kept.mean))
        .collect();
    assert_eq!(found, [(150.0, 3.0, 0.8)]);
}

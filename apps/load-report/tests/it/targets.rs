//! Verdicts on constructed campaigns.

use load_report::{
    model::{
        Campaign, Part, Prediction, ProcessUse, Start,
        names::{BY_HAND, MONOLITH, REMEMBERING, TELEMETRY_OFF, TELEMETRY_ON},
    },
    statistics::Statistics,
    targets::{Target, Verdict, targets},
};

use crate::{
    exact::{Exact, latencies},
    made_up::{EXTRACTED, campaign},
};

fn target(campaign: &Campaign, what: &str) -> Target {
    let all = targets(&Statistics::new(campaign));
    let found = all.iter().find(|target| target.what.contains(what));
    found.unwrap_or_else(|| panic!("no target speaks of {what}: {all:?}")).clone()
}

fn check(campaign: &Campaign, what: &str, verdict: Verdict, measured: &str) {
    let target = target(campaign, what);
    let text = target.measured.replace('\u{a0}', " ");
    assert_eq!(target.verdict, verdict, "{target:?}");
    assert!(text.contains(measured), "{text}");
}

fn slower_by(added: u64) -> Campaign {
    let shape = |shape| Exact::of(Part::Compare, shape, 0);
    let times = [1_000, 1_010, 990, 1_005, 995].map(|base| (base, base + added));
    campaign(latencies(shape(MONOLITH), shape(EXTRACTED), times))
}

#[test]
fn nothing_is_met_that_was_not_measured() {
    let nothing = campaign(Vec::new());
    let all = targets(&Statistics::new(&nothing));
    assert_eq!(all.len(), 11);
    assert!(all.iter().all(|target| target.verdict == Verdict::NotMeasured), "{all:?}");
}

#[test]
fn added_latency_has_a_limit() {
    check(&slower_by(300), "read at p50", Verdict::Met, "+300 µs");
    check(&slower_by(301), "read at p50", Verdict::Missed, "+301 µs");
    check(&slower_by(1_990), "read at p99", Verdict::Met, "+1.99 ms");
    check(&slower_by(2_010), "read at p99", Verdict::Missed, "+2.01 ms");
}

#[test]
fn noise_widens_the_limit_of_p99() {
    let mut campaign = slower_by(2_500);
    let variant = |variant| Exact { variant, ..Exact::of(Part::Noise, MONOLITH, 0) };
    campaign.runs.extend(latencies(variant("A"), variant("B"), [(1_000, 2_000); 5]));
    check(&campaign, "read at p99", Verdict::Met, "+2.5 ms");
}

#[test]
fn a_prediction_is_held_against_what_extraction_added() {
    let predicting = |request_p50| {
        let mut campaign = slower_by(300);
        let monoliths = campaign.runs.iter_mut().filter(|run| run.shape == MONOLITH);
        for run in monoliths {
            let prediction = Prediction { request_p50, ..Prediction::default() };
            run.prediction = Some(prediction);
        }
        campaign
    };
    let what = "predicts that billing extracted adds to a billing read at p50";
    check(&predicting(350.0), what, Verdict::Met, "+350 µs predicted, +300 µs (");
    check(&predicting(370.0), what, Verdict::Missed, "+370 µs predicted, +300 µs (");
    check(&slower_by(300), "What the monolith predicts", Verdict::NotMeasured, "was not asked");
}

#[test]
fn half_load_is_checked_where_the_knee_is_known() {
    let mut campaign = slower_by(100);
    check(&campaign, "read at p50", Verdict::Met, "no sweep says");
    let rate = |rate, done| Exact { rate, done, ..Exact::of(Part::Sweep, MONOLITH, 0) }.run();
    campaign.runs.extend([rate(200.0, 2_000), rate(300.0, 3_000)]);
    check(&campaign, "read at p50", Verdict::Met, "33.3 % of the monolith's knee");
}

#[test]
fn throughput_for_a_second_of_processor_time_is_kept() {
    let with = |cpu| {
        let shape = |shape, cpu| {
            (0..5).map(move |repeat| Exact { cpu, ..Exact::of(Part::Compare, shape, repeat) })
        };
        campaign(shape(MONOLITH, 700_000).chain(shape(EXTRACTED, cpu)).map(Exact::run).collect())
    };
    check(&with(900_000), "throughput per CPU second", Verdict::Met, "77.8 %");
    check(&with(1_100_000), "throughput per CPU second", Verdict::Missed, "63.6 %");
}

#[test]
fn the_baseline_is_the_handler_by_hand() {
    let of = |shape, cpu| {
        (0..5).map(move |repeat| Exact { cpu, ..Exact::of(Part::Baseline, shape, repeat) })
    };
    let with =
        |cpu| campaign(of(MONOLITH, cpu).chain(of(BY_HAND, 900_000)).map(Exact::run).collect());
    check(&with(1_000_000), "written by hand", Verdict::Met, "90 % (90 to 90 %)");
    check(&with(1_100_000), "written by hand", Verdict::Missed, "81.8 %");
    // One that does less for each request is the one to be compared with.
    let mut harder = with(1_000_000);
    harder.runs.extend(of(REMEMBERING, 800_000).map(Exact::run));
    check(&harder, "written by hand", Verdict::Missed, "80 % (80 to 80 %)");
    check(&harder, "written by hand", Verdict::Missed, "90 % (90 to 90 %) of one that verifies");
}

#[test]
fn telemetry_may_cost_a_twentieth() {
    let of = |variant, cpu| {
        let exact = move |repeat| Exact::of(Part::Telemetry, MONOLITH, repeat);
        (0..5).map(move |repeat| Exact { cpu, variant, ..exact(repeat) }.run())
    };
    let with = |on| campaign(of(TELEMETRY_OFF, 940_000).chain(of(TELEMETRY_ON, on)).collect());
    check(&with(980_000), "telemetry", Verdict::Met, "95.9 %");
    check(&with(1_000_000), "telemetry", Verdict::Missed, "94 %");
    let half = campaign(of(TELEMETRY_ON, 1_000_000).collect());
    check(&half, "telemetry", Verdict::NotMeasured, "with telemetry and without");
}

#[test]
fn one_request_lost_in_a_restart_is_too_many() {
    let with = |refused| {
        campaign(vec![Exact { refused, ..Exact::of(Part::RollingRestart, MONOLITH, 0) }.run()])
    };
    check(&with(0), "restart", Verdict::Met, "0 of 1000");
    check(&with(1), "restart", Verdict::Missed, "1 of 1001");
}

#[test]
fn goodput_under_overload_needs_a_peak() {
    let of = |part, rate, done, refused| {
        Exact { rate, done, refused, ..Exact::of(part, MONOLITH, 0) }.run()
    };
    let mut runs = vec![of(Part::Overload, 300.0, 900, 2_100)];
    check(&campaign(runs.clone()), "three times capacity", Verdict::NotMeasured, "no overload");
    runs.push(of(Part::Sweep, 100.0, 1_000, 0));
    check(&campaign(runs.clone()), "three times capacity", Verdict::Met, "90 %");
    runs[0] = of(Part::Overload, 300.0, 700, 2_300);
    check(&campaign(runs.clone()), "three times capacity", Verdict::Missed, "70 %");
    runs[0] = of(Part::Overload, 200.0, 900, 1_100);
    check(&campaign(runs), "three times capacity", Verdict::NotMeasured, "too little load");
}

#[test]
fn memory_is_flat_over_an_hour_or_not_measured() {
    let with = |measured_s, grown: u64| {
        let mut run = Exact::of(Part::Soak, MONOLITH, 0).run();
        run.measured_s = measured_s;
        let process = |resident| ProcessUse { resident, ..ProcessUse::default() };
        run.processes.insert(MONOLITH.to_owned(), process((1_000, 1_000 + grown)));
        run.processes.insert("postgres".to_owned(), process((1_000, 9_000)));
        campaign(vec![run])
    };
    check(&with(3_600.0, 20), "Memory of monolith", Verdict::Met, "+20 B an hour");
    check(&with(3_600.0, 80), "Memory of monolith", Verdict::Missed, "+80 B an hour");
    check(
        &with(600.0, 1),
        "Memory of monolith",
        Verdict::NotMeasured,
        "over 10 min, which is too short",
    );
}

#[test]
fn a_start_and_a_full_run_have_their_limits() {
    let start =
        |ready| Start { program: MONOLITH.to_owned(), engine: "embedded".to_owned(), ready };
    let mut campaign = campaign(Vec::new());
    campaign.starts = vec![start(184_000), start(186_000)];
    campaign.about.took_s = 3_000;
    check(&campaign, "embedded default", Verdict::Met, "185 ms");
    check(&campaign, "full run", Verdict::Met, "50 min");
    campaign.starts = vec![start(180_000), start(190_000)];
    check(&campaign, "embedded default", Verdict::Unsettled, "185 ms (121 to 249 ms)");
    campaign.starts = vec![start(230_000)];
    campaign.about.took_s = 4_000;
    check(&campaign, "embedded default", Verdict::Missed, "230 ms (measured once)");
    check(&campaign, "full run", Verdict::Missed, "66.7 min");
}

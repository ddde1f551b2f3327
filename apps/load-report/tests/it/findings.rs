//! What is said of constructed campaigns.

use load_report::{
    findings::{Findings, findings},
    model::{
        Build, Campaign, Generator, Hop, Late, Part, ProcessUse,
        names::{GENERATOR, MONOLITH},
    },
    statistics::Statistics,
    targets::{Verdict, targets},
};

use crate::{
    exact::{Exact, latencies},
    made_up::{EXTRACTED, campaign, everything},
};

fn said(campaign: &Campaign) -> Findings {
    findings(&Statistics::new(campaign))
}

/// Spaces that do not break are as good as others here.
fn sentence(campaign: &Campaign, topic: &str) -> String {
    let findings = said(campaign);
    let sentence = findings.sentences.iter().find(|sentence| sentence.topic == topic);
    sentence
        .unwrap_or_else(|| panic!("nothing of {topic}: {findings:?}"))
        .text
        .replace('\u{a0}', " ")
}

fn compared<const N: usize>(times: [(u64, u64); N]) -> Campaign {
    let shape = |shape| Exact::of(Part::Compare, shape, 0);
    campaign(latencies(shape(MONOLITH), shape(EXTRACTED), times))
}

const SLOWER: [(u64, u64); 5] =
    [(1_000, 1_200), (1_010, 1_215), (990, 1_185), (1_005, 1_205), (995, 1_195)];

#[test]
fn a_difference_is_told_with_its_interval() {
    let text = sentence(&compared(SLOWER), "A billing read");
    assert!(text.contains("p50 200 µs higher (196 to 204 µs), +20 %"), "{text}");
}

#[test]
fn an_interval_around_zero_is_noise() {
    let same = [(1_000, 1_200), (1_000, 800), (1_000, 1_100), (1_000, 900), (1_000, 1_010)];
    let text = sentence(&compared(same), "A billing read");
    assert!(text.contains("p50 within noise (+2 µs, but the interval"), "{text}");
    assert!(!text.contains("higher") && !text.contains("lower"), "{text}");
}

#[test]
fn a_difference_that_one_shape_has_with_itself_is_noise() {
    let mut campaign = compared(SLOWER);
    let variant = |variant| Exact { variant, ..Exact::of(Part::Noise, MONOLITH, 0) };
    let apart = [(1_000, 1_200), (1_000, 1_250), (1_000, 1_220), (1_000, 1_230), (1_000, 1_240)];
    campaign.runs.extend(latencies(variant("A"), variant("B"), apart));
    let text = sentence(&campaign, "A billing read");
    assert!(text.contains("p50 within noise (+200 µs, but two runs of one shape"), "{text}");
}

#[test]
fn a_single_run_proves_nothing() {
    let campaign = compared([(1_000, 1_200)]);
    let text = sentence(&campaign, "A billing read");
    assert!(text.contains("p50 +200 µs, +20 %, measured once and perhaps by chance"), "{text}");
    assert!(sentence(&campaign, "Repeats").contains("1 repeats, fewer than the 5"));
}

#[test]
fn books_that_do_not_balance_come_first() {
    let mut campaign = compared(SLOWER);
    campaign.runs[3].ledger.faults.push("2 charges for 1 subscription".to_owned());
    let findings = said(&campaign);
    let first = findings.alarms.first().expect("an alarm");
    assert!(first.starts_with("The books do not balance after 1 of 10 runs"), "{first}");
    assert!(first.ends_with("2 charges for 1 subscription"), "{first}");
    assert!(findings.sentences.iter().all(|sentence| sentence.topic != "The books"));
}

#[test]
fn books_that_balance_are_said_to() {
    assert_eq!(
        sentence(&compared(SLOWER), "The books"),
        "The books balanced after each of the 10 runs."
    );
    let mut campaign = compared(SLOWER);
    campaign.runs.iter_mut().for_each(|run| run.ledger.compared.clear());
    assert_eq!(sentence(&campaign, "The books"), "Nobody checked the books after any run.");
}

#[test]
fn requests_that_nobody_accounts_for_are_an_alarm() {
    let mut campaign = compared(SLOWER);
    let operation = campaign.runs[0].operations.values_mut().next().expect("one");
    operation.intended += 7;
    let alarms = said(&campaign).alarms;
    let alarm = alarms.first().map(|alarm| alarm.replace('\u{202f}', " "));
    let expected = "Of 10 007 requests that were meant to start, 7 are unaccounted for.";
    assert_eq!(alarm.as_deref(), Some(expected));
}

#[test]
fn failures_are_an_alarm_where_all_should_be_done() {
    let refused =
        |part| campaign(vec![Exact { refused: 500, ..Exact::of(part, MONOLITH, 0) }.run()]);
    let alarms = said(&refused(Part::Compare)).alarms;
    assert!(alarms[0].contains("were not done: 503: 500"), "{alarms:?}");
    assert!(said(&refused(Part::Overload)).alarms.is_empty());
}

#[test]
fn figures_that_cannot_be_read_are_an_alarm() {
    let mut campaign = compared(SLOWER);
    let operation = campaign.runs[0].operations.values_mut().next().expect("one");
    operation.latency = "no histogram".to_owned();
    let alarms = said(&campaign).alarms;
    assert!(alarms[0].contains("cannot be read") && alarms[0].contains("base64"), "{alarms:?}");
}

#[test]
fn extraction_wins_beside_a_noisy_neighbour() {
    let shape = |shape| Exact {
        operation: "POST /v1/auth/login",
        ..Exact::of(Part::NoisyNeighbour, shape, 0)
    };
    let times = [(2_000, 500), (2_010, 510), (1_990, 490), (2_000, 505), (2_005, 500)];
    let campaign = campaign(latencies(shape(MONOLITH), shape(EXTRACTED), times));
    let text = sentence(&campaign, "Noisy neighbour");
    assert!(text.ends_with("75 % lower (74.6 to 75.3 %), extraction wins."), "{text}");
}

#[test]
fn shapes_that_did_not_take_turns_are_an_alarm() {
    let mut campaign = compared(SLOWER);
    assert_eq!(said(&campaign).alarms, Vec::<String>::new());
    campaign.runs.sort_by_key(|run| run.shape.clone());
    let alarms = said(&campaign).alarms;
    assert!(alarms[0].contains("did not take turns"), "{alarms:?}");
}

#[test]
fn a_call_costs_what_is_not_its_work() {
    let mut campaign = compared(SLOWER);
    let hop = Hop { calls: 9, serialize: 20.0, network: 90.0, queue: 40.0, handle: 800.0 };
    campaign.runs[1].hop = Some(hop);
    let text = sentence(&campaign, "The hop");
    assert!(text.contains("takes 150 µs (measured once) on average beside the 800 µs"), "{text}");
}

#[test]
fn the_generator_says_how_busy_it_was() {
    let text = sentence(&compared(SLOWER), "The generator");
    assert_eq!(text, "It used up to 0.9 of the machine's 2 cores.");
}

#[test]
fn what_was_not_measured_is_said() {
    let text = sentence(&compared(SLOWER), "Not measured");
    assert!(text.starts_with("Sweep of rates, overload, noisy neighbour"), "{text}");
    assert!(text.ends_with("and A/A noise."), "{text}");
    let nothing = said(&campaign(Vec::new()));
    assert_eq!(nothing.alarms, Vec::<String>::new());
    let topics: Vec<_> = nothing.sentences.iter().map(|sentence| sentence.topic).collect();
    assert_eq!(topics, ["Noise", "Not measured"]);
}

#[test]
fn programs_that_are_not_optimised_reach_and_miss_nothing() {
    let mut campaign = everything(4);
    campaign.about.build = Build::Unoptimised;
    let alarms = said(&campaign).alarms;
    assert!(alarms[0].starts_with("The programs were not optimised"), "{alarms:?}");
    for target in targets(&Statistics::new(&campaign)) {
        assert_eq!(target.verdict, Verdict::NotMeasured, "{target:?}");
    }
}

#[test]
fn what_the_generator_left_out_is_told_once() {
    let mut campaign = compared(SLOWER);
    let left_out = Generator {
        remarks: vec!["webhooks were left out".to_owned()],
        late: Late { p50: 100, p99: 7_000, max: 9_000 },
        ..Generator::default()
    };
    for run in &mut campaign.runs[..4] {
        run.generator = Some(left_out.clone());
        run.processes
            .insert(GENERATOR.to_owned(), ProcessUse { cpu: 1_000, ..ProcessUse::default() });
    }
    assert_eq!(sentence(&campaign, "Left out"), "In 4 of 10 runs webhooks were left out.");
    let text = sentence(&campaign, "The generator");
    assert!(text.contains("99 in a hundred within 7 ms, in the worst run"), "{text}");
}

#[test]
fn a_flood_is_told_by_what_it_changes() {
    let text = sentence(&everything(4), "Noisy neighbour");
    assert!(text.starts_with("While usage floods billing, p99 of"), "{text}");
    assert!(text.contains(" on monolith and from "), "{text}");
}

use std::{collections::BTreeSet, fs, path::PathBuf};

use advisor::{Advice, Outcome, RULES, Situation, Thresholds, Verdict, advise};

/// Each file, what is advised there, and which rules could not say.
#[rustfmt::skip]
const EXPECTED: &[(&str, Verdict, &[&str], &[&str])] = &[
    ("a-quiet-day", Verdict::DoNothing, &[], &[]),
    ("turned-away-while-processors-are-free", Verdict::Act, &["raise-a-limit"], &[]),
    ("waits-for-connections", Verdict::Act, &["grow-the-pool"], &[]),
    ("memory-nearly-full", Verdict::Act, &["more-memory"], &[]),
    ("processors-are-short", Verdict::Act, &["add-a-replica"], &[]),
    ("thirty-replicas", Verdict::Act, &["add-a-pooler"], &[]),
    ("reads-heat-the-database", Verdict::Act, &["cache"], &[]),
    ("a-route-that-waits-for-a-provider", Verdict::Act, &["move-off-the-request-path"], &[]),
    ("the-database-is-short", Verdict::Act, &["add-a-read-replica"], &[]),
    ("a-table-that-grew", Verdict::Act, &["partition-a-table billing.usage_events"], &[]),
    ("billing-outgrows-the-rest", Verdict::Act, &["extract-a-module billing"], &[]),
    ("billing-changes-daily-and-harms-others", Verdict::Act, &["extract-a-module billing"], &[]),
    ("billing-outgrows-the-rest-but-hops-would-cost-more", Verdict::DoNothing, &[], &[]),
    ("billing-outgrows-the-rest-but-hops-would-be-slow", Verdict::DoNothing, &[], &[]),
    ("billing-outgrows-the-rest-and-nobody-knows-the-price", Verdict::DoNothing, &[],
        &["extract-a-module billing"]),
    ("two-remedies", Verdict::Act, &["more-memory", "add-a-pooler"], &[]),
    ("what-a-program-sees-by-itself", Verdict::DoNothing, &[],
        &["add-a-read-replica", "extract-a-module auth", "extract-a-module billing",
          "extract-a-module notifications"]),
    ("just-started", Verdict::NotEnoughMeasured, &[],
        &["raise-a-limit", "grow-the-pool", "add-a-replica", "move-off-the-request-path"]),
    ("hardly-used", Verdict::NotEnoughMeasured, &[],
        &["raise-a-limit", "grow-the-pool", "add-a-replica", "move-off-the-request-path"]),
    ("just-started-with-many-replicas", Verdict::Act, &["add-a-pooler"],
        &["raise-a-limit", "grow-the-pool", "add-a-replica", "move-off-the-request-path"]),
];

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "it", "situations"].iter().collect()
}

fn recorded(name: &str) -> Situation {
    let text = fs::read_to_string(folder().join(format!("{name}.json"))).expect(name);
    serde_json::from_str(&text).expect(name)
}

fn with(advice: &Advice, outcome: Outcome) -> Vec<String> {
    let found = advice.findings.iter().filter(|finding| finding.outcome == outcome);
    let name = |about: &Option<String>| about.as_ref().map_or(String::new(), |it| format!(" {it}"));
    found.map(|finding| format!("{}{}", finding.rule, name(&finding.about))).collect()
}

#[test]
fn each_situation_gets_its_advice() {
    for (name, verdict, met, not_measured) in EXPECTED {
        let advice = advise(&recorded(name), &Thresholds::default());
        assert_eq!(advice.verdict, *verdict, "{name}: {advice}");
        assert_eq!(with(&advice, Outcome::Met), *met, "{name}: {advice}");
        assert_eq!(with(&advice, Outcome::NotMeasured), *not_measured, "{name}: {advice}");
        assert_eq!(advice.steps.len(), met.len(), "{name}");
    }
}

#[test]
fn every_recorded_situation_is_looked_at_and_every_rule_is_met_in_one() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .expect("the folder")
        .map(|file| file.expect("a file").path().file_stem().expect("a name").display().to_string())
        .collect();
    let looked_at: BTreeSet<String> =
        EXPECTED.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(files, looked_at);
    for rule in RULES {
        let is_met = |met: &&str| met.split(' ').next() == Some(rule.name);
        assert!(EXPECTED.iter().any(|(_, _, met, _)| met.iter().any(is_met)), "{}", rule.name);
    }
}

#[test]
fn doing_nothing_is_argued_for_by_what_is_nearest() {
    let advice = advise(&recorded("a-quiet-day"), &Thresholds::default());
    let text = advice.to_string();
    assert!(text.starts_with("Do nothing.\nEvery step costs more than it would bring"), "{text}");
    // Of the two reasons that a module needs auth has nearly one, and billing has nearly a second.
    let nearest = "extract-a-module auth (the module's part of the program's work: 37 %";
    assert!(advice.why.contains(&format!("nearest to being asked for is {nearest}")), "{text}");
    let second = "extract-a-module billing (how much faster than the others it grows: 1.3 times";
    assert!(advice.why.contains(second), "{text}");
    assert!(text.contains("Measured over 3600 s"), "{text}");
}

#[test]
fn a_step_is_argued_for_by_its_figures() {
    let advice = advise(&recorded("thirty-replicas"), &Thresholds::default());
    assert_eq!(advice.why, "connections of all replicas: 480 (asked for: above 200).");
    assert!(advice.to_string().starts_with("1. Put a pooler"), "{advice}");
}

#[test]
fn thresholds_decide() {
    let generous = Thresholds { connections: 500.0, ..Thresholds::default() };
    let advice = advise(&recorded("thirty-replicas"), &generous);
    assert_eq!(advice.verdict, Verdict::DoNothing, "{advice}");
    let patient = Thresholds { reasons: 3, ..Thresholds::default() };
    let advice = advise(&recorded("billing-outgrows-the-rest"), &patient);
    assert_eq!(advice.verdict, Verdict::DoNothing, "{advice}");
}

#[test]
fn a_situation_without_figures_asks_for_nothing() {
    let advice = advise(&Situation::default(), &Thresholds::default());
    assert_eq!(advice.verdict, Verdict::NotEnoughMeasured);
    assert!(advice.findings.iter().all(|it| it.outcome == Outcome::NotMeasured), "{advice}");
}

#[test]
fn advice_can_be_saved_and_read() {
    let advice = advise(&recorded("two-remedies"), &Thresholds::default());
    let saved = serde_json::to_string(&advice).expect("JSON");
    let read: Advice = serde_json::from_str(&saved).expect("advice");
    assert_eq!(read.to_string(), advice.to_string());
}

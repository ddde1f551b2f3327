//! Campaigns and histograms as they are kept, and the program.

use std::{error::Error as _, fs, path::Path, process::Command};

use load_report::{
    model::{Campaign, FileError, histogram},
    render,
};

use crate::made_up::{campaign, compared};

#[test]
fn a_campaign_is_read_as_it_was_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("campaign.json");
    let campaign = campaign(compared(2));
    campaign.save(&path).expect("saved");
    assert_eq!(Campaign::load(&path).expect("loaded"), campaign);
}

#[test]
fn a_campaign_from_before_later_fields_is_still_read() {
    let mut json = serde_json::to_value(campaign(compared(1))).expect("it is JSON");
    let object = json.as_object_mut().expect("an object");
    object.remove("starts").expect("was there");
    object["about"].as_object_mut().expect("an object").remove("took_s").expect("was there");
    let read: Campaign = serde_json::from_value(json).expect("read");
    assert_eq!((read.starts.len(), read.about.took_s), (0, 0));
}

#[test]
fn what_is_no_campaign_is_refused_with_its_path() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("campaign.json");
    let missing = Campaign::load(&path).expect_err("it is not there");
    assert!(matches!(&missing, FileError::Read { path: said, .. } if *said == path), "{missing:?}");
    fs::write(&path, "{").expect("written");
    let broken = Campaign::load(&path).expect_err("it ends early");
    assert!(broken.to_string().contains("campaign.json"), "{broken}");
    assert!(broken.source().is_some(), "it says why");
}

#[test]
fn histograms_keep_three_figures_and_add_up() {
    let mut one = histogram::empty();
    one.record_n(1_234_567, 3).expect("recorded");
    let mut other = histogram::empty();
    other.record(42).expect("recorded");
    let texts = [one, other].map(|one| histogram::write(&one).expect("written"));
    let both = histogram::merge(texts.iter().map(String::as_str)).expect("merged");
    assert_eq!((both.len(), both.min()), (4, 42));
    assert!(both.max().abs_diff(1_234_567) <= 1_235, "{}", both.max());
    assert!(histogram::read("").expect("an operation that was never done").is_empty());
}

#[test]
fn a_histogram_with_bounds_is_merged_with_longer_times() {
    let mut bounded =
        histogram::Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).expect("bounds");
    bounded.record(500).expect("recorded");
    let mut long = histogram::empty();
    long.record(3_600_000_000).expect("it takes any time");
    let texts = [bounded, long].map(|one| histogram::write(&one).expect("written"));
    let both = histogram::merge(texts.iter().map(String::as_str)).expect("merged");
    assert_eq!((both.len(), both.min()), (2, 500));
    assert!(both.max() >= 3_600_000_000);
}

#[test]
fn what_is_no_histogram_is_refused() {
    for text in ["*", "AAAA", "HISTFAAAAB", "HISTFAAAABV42g=="] {
        histogram::read(text).expect_err("it is none");
    }
}

#[test]
fn the_program_draws_the_page() {
    let directory = tempfile::tempdir().expect("a directory");
    let json = directory.path().join("campaign.json");
    let campaign = campaign(compared(2));
    campaign.save(&json).expect("saved");
    let drawn = |arguments: &[&Path], out: &str| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_load-report"));
        assert!(program.args(arguments).status().expect("it runs").success());
        fs::read_to_string(directory.path().join(out)).expect("it is there")
    };
    assert_eq!(drawn(&[&json], "report.html"), render(&campaign));
    let out = directory.path().join("other.html");
    let told = drawn(&[&json, Path::new("--out"), &out], "other.html");
    assert_eq!(told, render(&campaign));
    let out = directory.path().join("summary.json");
    let summary = drawn(&[&json, Path::new("--summary"), &out], "summary.json");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("it is JSON");
    assert_eq!(summary["targets"][0]["verdict"], "not_measured");
    assert_eq!(summary["comparisons"][0]["metric"], "p50");
    assert_eq!(summary["comparisons"][0]["shape"], "billing extracted");
}

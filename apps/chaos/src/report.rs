//! What a campaign came to, for people and for programs.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::{
    faults::{Fault, Inflicted},
    journal::Entry,
    ledger::{Balance, Findings, Harm},
};

/// The least part of all operations that has to be done.
const LEAST_DONE: f64 = 0.8;
/// So many findings of a kind are shown; all are in the file.
const SHOWN: usize = 12;

/// What a campaign came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What all that was random followed from.
    pub seed: u64,
    /// On what, in which shape.
    pub system: String,
    /// Seconds during which faults were inflicted.
    pub seconds: u64,
    /// Seconds until the system was at rest.
    pub rest_seconds: u64,
    /// How often programs were started again.
    pub restarts: u64,
    /// How often each fault of the run came about.
    pub faults: BTreeMap<String, usize>,
    /// Of each operation: done, refused, unknown.
    pub operations: BTreeMap<String, [usize; 3]>,
    /// The sums.
    pub balance: Balance,
    /// What is wrong.
    pub findings: Findings,
    /// Why the campaign failed, if it did.
    pub failures: Vec<String>,
}

/// What a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The faults that were to come about.
    pub wanted: &'a [Fault],
    /// What was inflicted.
    pub timeline: &'a [Inflicted],
    /// What the clients wrote down.
    pub journal: &'a [Entry],
}

/// The circumstances of a campaign.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Circumstances {
    /// What all that was random followed from.
    pub seed: u64,
    /// On what, in which shape.
    pub system: String,
    /// Seconds during which faults were inflicted.
    pub seconds: u64,
    /// Seconds until the system was at rest.
    pub rest_seconds: u64,
    /// How often programs were started again.
    pub restarts: u64,
    /// The names of the faults that were to come about.
    pub wanted: Vec<Fault>,
}

impl Report {
    /// Puts it together, and judges.
    #[must_use]
    pub fn new(
        circumstances: &Circumstances,
        parts: Parts<'_>,
        (balance, findings): (Balance, Findings),
    ) -> Self {
        let faults: BTreeMap<String, usize> = parts
            .wanted
            .iter()
            .map(|fault| {
                let happened = |it: &&Inflicted| it.fault == *fault && it.happened;
                (fault.name().to_owned(), parts.timeline.iter().filter(happened).count())
            })
            .collect();
        let mut report = Self {
            seed: circumstances.seed,
            system: circumstances.system.clone(),
            seconds: circumstances.seconds,
            rest_seconds: circumstances.rest_seconds,
            restarts: circumstances.restarts,
            faults,
            operations: by_operation(parts.journal),
            balance,
            findings,
            failures: Vec::new(),
        };
        report.failures = report.judged();
        report
    }

    fn judged(&self) -> Vec<String> {
        let Balance { operations, done, unknown, lost, doubled, stuck, .. } = self.balance;
        let mut failures = Vec::new();
        for (count, what) in
            [(lost, "lost"), (doubled, "doubled"), (unknown, "unknown"), (stuck, "stuck")]
        {
            if count > 0 {
                failures.push(format!("{count} {what}"));
            }
        }
        if (done as f64) < LEAST_DONE * operations as f64 || operations == 0 {
            failures.push(format!("only {done} of {operations} operations are done"));
        }
        for (fault, count) in &self.faults {
            if *count == 0 {
                failures.push(format!("the fault {fault} never came about"));
            }
        }
        failures
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty()
    }

    /// Writes `report.json` and `report.txt` into `folder`.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self).context("writing the report")?;
        fs::write(folder.join("report.json"), json)
            .and_then(|()| fs::write(folder.join("report.txt"), self.text()))
            .with_context(|| format!("writing the report into {}", folder.display()))
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}, {} s of faults, {} s to come to rest, {} restarts, seed {}\n\nfaults\n",
            self.system, self.seconds, self.rest_seconds, self.restarts, self.seed
        );
        for (fault, count) in &self.faults {
            line(&mut text, format_args!("  {fault:<22} {count}"));
        }
        line(
            &mut text,
            format_args!("\n{:<14} {:>7} {:>8} {:>8}", "operations", "done", "refused", "unknown"),
        );
        for (operation, [done, refused, unknown]) in &self.operations {
            line(&mut text, format_args!("  {operation:<12} {done:>7} {refused:>8} {unknown:>8}"));
        }
        let Balance { operations, done, refused, unknown, lost, doubled, stuck } = self.balance;
        line(
            &mut text,
            format_args!(
                "\noperations {operations}, done {done}, refused {refused}, unknown {unknown}, \
                 lost {lost}, doubled {doubled}, stuck {stuck}, seed {}",
                self.seed
            ),
        );
        for harm in [Harm::Lost, Harm::Doubled, Harm::Stuck] {
            let all: Vec<_> = self.findings.0.iter().filter(|it| it.harm == harm).collect();
            for finding in all.iter().take(SHOWN) {
                let whose = finding.tenant.map(|number| format!("organisation {number}: "));
                let whose = whose.unwrap_or_default();
                line(&mut text, format_args!("  {harm:?}: {whose}{}", finding.what));
            }
            if all.len() > SHOWN {
                line(&mut text, format_args!("  and {} more, in report.json", all.len() - SHOWN));
            }
        }
        let verdict = if self.is_clean() {
            "nothing is wrong".to_owned()
        } else {
            format!("FAILED: {}", self.failures.join("; "))
        };
        line(&mut text, format_args!("{verdict}"));
        text
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // To a string, writing never fails.
    let _ = writeln!(text, "{line}");
}

fn by_operation(journal: &[Entry]) -> BTreeMap<String, [usize; 3]> {
    use crate::journal::Outcome;

    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for entry in journal {
        let place = match entry.outcome {
            Outcome::Done { .. } => 0,
            Outcome::Refused { .. } => 1,
            Outcome::Unknown { .. } => 2,
        };
        counts.entry(entry.operation.name().to_owned()).or_default()[place] += 1;
    }
    counts
}

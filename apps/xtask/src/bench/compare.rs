//! `cargo xtask bench --compare BASE`: the key benchmarks of two commits, taking turns.
//!
//! What slows the machine for a while slows both and falls out of their ratio. The command fails where
//! a benchmark is slower by more than a tenth, and the whole interval of the ratio says so.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use load_report::statistics::Estimate;

use super::seam;
use crate::{
    console::{say, table},
    steps,
    workspace::Workspace,
};

/// So many times as long as before is too long.
const MOST: f64 = 1.10;
/// Criterion's own settings: many short rounds tell more than a long one.
const SHORT: [&str; 5] = ["--noplot", "--warm-up-time", "0.5", "--measurement-time", "1.5"];

/// Medians in nanoseconds by benchmark, one for each round.
type Medians = BTreeMap<String, Vec<f64>>;

/// Measures `base` and what is checked out now, `rounds` times each.
///
/// # Errors
/// There is no such commit, something does not build, or a benchmark is slower.
pub(super) fn run(workspace: &Workspace, base: &str, rounds: u32) -> Result<()> {
    ensure!(rounds >= 3, "fewer than three rounds have no interval to go by");
    let folder = workspace.target().join("compare");
    let checkout = Checkout::of(workspace, base, folder.join("base"))?;
    let before = Workspace::at(&checkout.folder)?.building_in(&folder.join("target"));
    let mut sides = [
        Side { name: "before", workspace: &before, medians: Medians::new() },
        Side { name: "now", workspace, medians: Medians::new() },
    ];
    for side in &sides {
        say(format_args!("building the benchmarks, {} …", side.name));
        let build = ["bench", "--package", "remote", "--no-run", "--quiet"];
        ensure!(
            steps::succeeds(&mut side.workspace.cargo(&build))?,
            "they do not build; see above"
        );
    }
    for round in 1..=rounds {
        say(format_args!("round {round} of {rounds} …"));
        for side in &mut sides {
            side.measure(&folder)?;
        }
        // The other way round next time: what comes later finds a warmer machine.
        sides.reverse();
    }
    sides.sort_by_key(|side| side.name == "now");
    let [before, now] = sides.map(|side| side.medians);
    judge(&before, &now)
}

struct Side<'a> {
    name: &'static str,
    workspace: &'a Workspace,
    medians: Medians,
}

impl Side<'_> {
    fn measure(&mut self, folder: &Path) -> Result<()> {
        let home = folder.join(format!("criterion-{}", self.name));
        let mut bench = self.workspace.cargo(&["bench", "--quiet", "--package", "remote"]);
        bench.args(["--bench", "seam", "--"]).args(SHORT).env("CRITERION_HOME", &home);
        let output = bench.stdout(Stdio::null()).output().context("running the benchmarks")?;
        if !output.status.success() {
            bail!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr).trim_end());
        }
        for (name, median) in seam::medians(&home, "")? {
            self.medians.entry(name).or_default().push(median);
        }
        Ok(())
    }
}

/// A commit in a folder of its own, which goes with this value.
struct Checkout<'a> {
    workspace: &'a Workspace,
    folder: PathBuf,
}

impl<'a> Checkout<'a> {
    fn of(workspace: &'a Workspace, commit: &str, folder: PathBuf) -> Result<Self> {
        let checkout = Self { workspace, folder };
        // What a run that was killed has left behind.
        checkout.remove();
        let mut add = checkout.git(&["worktree", "add", "--quiet", "--detach"]);
        steps::output(add.arg(&checkout.folder).arg(commit))?;
        Ok(checkout)
    }

    fn git(&self, arguments: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.arg("-C").arg(self.workspace.root()).args(arguments);
        git
    }

    fn remove(&self) {
        let mut remove = self.git(&["worktree", "remove", "--force"]);
        // There may be none.
        let _none = remove.arg(&self.folder).stderr(Stdio::null()).status();
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

fn judge(before: &Medians, now: &Medians) -> Result<()> {
    let head = ["benchmark", "before", "now", "times as long", ""].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    let mut slower = Vec::new();
    for (name, before) in before {
        let Some(now) = now.get(name) else {
            rows.push(vec![name.clone(), "gone".to_owned()]);
            continue;
        };
        let ratios: Vec<f64> = before.iter().zip(now).map(|(before, now)| now / before).collect();
        let ratio = Estimate::of_ratios(&ratios).with_context(|| format!("no figure of {name}"))?;
        let verdict = Verdict::of(&ratio);
        if verdict == Verdict::Slower {
            slower.push(name.as_str());
        }
        let (low, high) = ratio.interval.unwrap_or((ratio.mean, ratio.mean));
        rows.push(vec![
            name.clone(),
            nanoseconds(before),
            nanoseconds(now),
            format!("{:.3} ({low:.3} to {high:.3})", ratio.mean),
            verdict.word().to_owned(),
        ]);
    }
    let new = now.keys().filter(|name| !before.contains_key(*name));
    rows.extend(new.map(|name| vec![name.clone(), "new".to_owned()]));
    say(table(&rows));
    ensure!(slower.is_empty(), "slower by more than a tenth: {}", slower.join(", "));
    Ok(())
}

/// What a ratio of times says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// By more than a tenth, with confidence.
    Slower,
    /// Perhaps by more than a tenth: the interval reaches to both sides.
    Unsure,
    /// Not by more than a tenth.
    Fine,
}

impl Verdict {
    fn of(ratio: &Estimate) -> Self {
        match ratio.interval {
            Some((low, _)) if low > MOST => Self::Slower,
            Some((_, high)) if high <= MOST => Self::Fine,
            Some(_) | None => Self::Unsure,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Slower => "SLOWER",
            Self::Unsure => "nobody can tell: more rounds, or a quieter machine",
            Self::Fine => "fine",
        }
    }
}

fn nanoseconds(rounds: &[f64]) -> String {
    let mean = Estimate::of(rounds).map_or(f64::NAN, |estimate| estimate.mean);
    format!("{mean:.0} ns")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn medians<const N: usize>(times: [f64; N]) -> Medians {
        Medians::from([("a call".to_owned(), times.to_vec())])
    }

    #[test]
    fn a_benchmark_that_is_slower_every_time_fails() {
        let before = medians([100.0, 101.0, 99.0, 100.0]);
        let error = judge(&before, &medians([120.0, 121.0, 119.0, 122.0])).expect_err("slower");
        assert_eq!(error.to_string(), "slower by more than a tenth: a call");
    }

    #[test]
    fn what_may_be_chance_fails_nothing() {
        let before = medians([100.0, 100.0, 100.0]);
        judge(&before, &medians([105.0, 106.0, 104.0])).expect("within a tenth");
        judge(&before, &medians([150.0, 90.0, 120.0])).expect("nobody can tell");
        judge(&before, &medians([50.0, 51.0, 49.0])).expect("quicker");
    }

    #[test]
    fn what_is_new_or_gone_is_compared_with_nothing() {
        let other = Medians::from([("another".to_owned(), vec![1.0, 1.0, 1.0])]);
        judge(&medians([100.0, 100.0, 100.0]), &other).expect("nothing in common");
    }
}

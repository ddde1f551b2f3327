//! Reads what criterion has measured of the seam.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::report::Finding;
use crate::files;

/// A direct call may cost this much more than the bare trait call.
const MOST_ADDED_NANOSECONDS: f64 = 1_000.0;
/// A call over HTTP may cost this many times what one costs that is written by hand.
const MOST_TIMES: f64 = 1.15;

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// What the benchmark `seam` of the crate `remote` has found, in this run.
pub(super) fn findings(target: &Path) -> Result<Vec<Finding>> {
    judge(&medians(target, "criterion")?)
}

/// The medians that criterion has left in `folder` below `root`, in nanoseconds, by group and function.
pub(super) fn medians(root: &Path, folder: &str) -> Result<BTreeMap<String, f64>> {
    let mut medians = BTreeMap::new();
    for path in files::with_extension(root, folder, "json")? {
        if !path.ends_with("new/benchmark.json") {
            continue;
        }
        let context = || format!("reading {}", path.display());
        let benchmark: Benchmark =
            serde_json::from_str(&files::read(&path)?).with_context(context)?;
        let estimates = files::read(&path.with_file_name("estimates.json"))?;
        let estimates: Estimates = serde_json::from_str(&estimates).with_context(context)?;
        medians.insert(benchmark.full_id, estimates.median.point_estimate);
    }
    Ok(medians)
}

/// Medians in nanoseconds, by group and function.
fn judge(medians: &BTreeMap<String, f64>) -> Result<Vec<Finding>> {
    let median = |name: &str| {
        let found = medians.get(name).copied();
        found.with_context(|| format!("criterion has left no figure for `{name}`"))
    };
    let (bare, direct) = (median("in process/bare trait")?, median("in process/direct client")?);
    let (hand, http) = (median("over HTTP/reqwest by hand")?, median("over HTTP/HTTP client")?);
    Ok(vec![
        Finding {
            what: "direct port call over the bare trait call".to_owned(),
            measured: format!("+{:.0} ns ({bare:.0} → {direct:.0} ns)", direct - bare),
            target: format!("at most +{MOST_ADDED_NANOSECONDS:.0} ns"),
            is_met: direct - bare <= MOST_ADDED_NANOSECONDS,
        },
        Finding {
            what: "HTTP client over reqwest by hand".to_owned(),
            measured: format!(
                "×{:.3} ({:.0} → {:.0} µs)",
                http / hand,
                hand / 1_000.0,
                http / 1_000.0
            ),
            target: format!("at most ×{MOST_TIMES}"),
            is_met: http / hand <= MOST_TIMES,
        },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn medians(direct: f64, http: f64) -> BTreeMap<String, f64> {
        [
            ("in process/bare trait", 100.0),
            ("in process/direct client", direct),
            ("over HTTP/reqwest by hand", 100_000.0),
            ("over HTTP/HTTP client", http),
        ]
        .map(|(name, median)| (name.to_owned(), median))
        .into()
    }

    #[test]
    fn a_target_is_met_up_to_its_bound() {
        let met = |direct, http| -> Vec<bool> {
            let findings = judge(&medians(direct, http)).expect("all figures are there");
            findings.iter().map(|finding| finding.is_met).collect()
        };
        assert_eq!(met(1_100.0, 114_900.0), [true, true]);
        assert_eq!(met(1_101.0, 115_100.0), [false, false]);
    }

    #[test]
    fn a_missing_figure_is_named() {
        let error = judge(&BTreeMap::new()).expect_err("there is none");
        assert!(error.to_string().contains("in process/bare trait"));
    }
}

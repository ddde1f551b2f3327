//! Findings for the terminal and for docs/performance.md.

use std::{fmt::Write as _, fs, thread};

pub(super) const TITLE: &str = "# Performance\n";
const BEGIN: &str = "<!-- Written by `cargo xtask bench --write`. -->\n";
const END: &str = "<!-- The end of what it writes. -->\n";

/// A figure and what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) what: String,
    pub(super) measured: String,
    pub(super) target: String,
    pub(super) is_met: bool,
}

impl Finding {
    pub(super) fn line(&self) -> String {
        let verdict = if self.is_met { "met   " } else { "MISSED" };
        format!("{verdict}  {}: {} ({})", self.what, self.measured, self.target)
    }
}

/// `document` with the findings in the place of earlier ones, or at its end.
pub(super) fn replace(document: &str, findings: &[Finding], machine: &str) -> String {
    let mut section = format!(
        "{BEGIN}\nMeasured on {machine}. Compare the ratios; the absolute figures are this \
         machine's.\n\n| what | measured | target | |\n|---|---|---|---|\n"
    );
    for Finding { what, measured, target, is_met } in findings {
        let verdict = if *is_met { "met" } else { "**missed**" };
        // Writing to a text does not fail.
        let _ = writeln!(section, "| {what} | {measured} | {target} | {verdict} |");
    }
    section += "\n";
    section += END;
    let place = document.find(BEGIN).zip(document.find(END)).filter(|(begin, end)| begin < end);
    match place {
        Some((begin, end)) => {
            format!("{}{section}{}", &document[..begin], &document[end + END.len()..])
        }
        None => format!("{}\n\n{section}", document.trim_end()),
    }
}

/// What the figures were measured on.
pub(super) fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    format!("{cores} cores of {}", model.unwrap_or("an unnamed processor").trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(measured: &str) -> Vec<Finding> {
        vec![Finding {
            what: "start".to_owned(),
            measured: measured.to_owned(),
            target: "within 300 ms".to_owned(),
            is_met: measured != "400 ms",
        }]
    }

    #[test]
    fn earlier_findings_are_replaced_and_the_rest_stays() {
        let document = "# Performance\n\nBefore.\n";
        let first = replace(document, &finding("400 ms"), "2 cores");
        assert!(first.starts_with(document) && first.contains("| 400 ms |"), "{first}");
        assert!(first.contains("**missed**"), "{first}");
        let second = replace(&(first + "\nAfter.\n"), &finding("200 ms"), "2 cores");
        assert!(second.contains("| 200 ms |") && !second.contains("400 ms"), "{second}");
        assert!(second.starts_with(document) && second.ends_with("\nAfter.\n"), "{second}");
    }
}

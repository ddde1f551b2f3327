//! Findings for the terminal and for docs/performance.md.

use std::{fmt::Write as _, fs, thread};

use serde::Deserialize;

pub(super) const TITLE: &str = "# Performance\n";

/// A part of the document that is written by one way of calling the command.
#[derive(Clone, Copy, Debug)]
pub(super) enum Section {
    /// The seam, start-up, idling.
    Programs,
    /// PostgreSQL and RabbitMQ.
    Engines,
}

impl Section {
    const fn begin(self) -> &'static str {
        match self {
            Self::Programs => "<!-- Written by `cargo xtask bench --write`. -->\n",
            Self::Engines => "<!-- Written by `cargo xtask bench --engines --write`. -->\n",
        }
    }

    const fn end(self) -> &'static str {
        match self {
            Self::Programs => "<!-- The end of what it writes. -->\n",
            Self::Engines => "<!-- The end of what it writes of the engines. -->\n",
        }
    }
}

/// A figure and what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
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
pub(super) fn replace(
    document: &str,
    section: Section,
    findings: &[Finding],
    machine: &str,
) -> String {
    let (begin_mark, end_mark) = (section.begin(), section.end());
    let mut section = format!(
        "{begin_mark}\nMeasured on {machine}. Compare the ratios; the absolute figures are this \
         machine's.\n\n| what | measured | target | |\n|---|---|---|---|\n"
    );
    for Finding { what, measured, target, is_met } in findings {
        let verdict = if *is_met { "met" } else { "**missed**" };
        // Writing to a text does not fail.
        let _ = writeln!(section, "| {what} | {measured} | {target} | {verdict} |");
    }
    section += "\n";
    section += end_mark;
    let place =
        document.find(begin_mark).zip(document.find(end_mark)).filter(|(begin, end)| begin < end);
    match place {
        Some((begin, end)) => {
            format!("{}{section}{}", &document[..begin], &document[end + end_mark.len()..])
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
        let first = replace(document, Section::Programs, &finding("400 ms"), "2 cores");
        assert!(first.starts_with(document) && first.contains("| 400 ms |"), "{first}");
        assert!(first.contains("**missed**"), "{first}");
        let second =
            replace(&(first + "\nAfter.\n"), Section::Programs, &finding("200 ms"), "2 cores");
        assert!(second.contains("| 200 ms |") && !second.contains("400 ms"), "{second}");
        assert!(second.starts_with(document) && second.ends_with("\nAfter.\n"), "{second}");
    }
}

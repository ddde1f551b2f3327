//! Advice for people at a terminal.

use std::fmt;

use crate::{Advice, Finding, Outcome, Reading, SHARE, Verdict};

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Verdict::DoNothing => writeln!(f, "Do nothing.")?,
            Verdict::NotEnoughMeasured => writeln!(f, "Not enough was measured to say.")?,
            Verdict::Act => {
                for (at, step) in self.steps.iter().enumerate() {
                    writeln!(f, "{}. {step}.", at + 1)?;
                }
            }
        }
        writeln!(f, "{}\n", self.why)?;
        writeln!(f, "Measured over {:.0} s:", self.window_seconds)?;
        self.findings.iter().try_for_each(|finding| write!(f, "{finding}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Met => "yes",
            Outcome::NotMet => "no",
            Outcome::NotMeasured => "not measured",
        };
        let about = self.about.iter().map(|about| format!(" ({about})")).collect::<String>();
        writeln!(f, "  {}{about}: {outcome}", self.rule)?;
        for (readings, when) in [(&self.all, "where"), (&self.reasons, "for")] {
            for reading in readings {
                writeln!(f, "    {when} {reading}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = if self.is_above { "above" } else { "at most" };
        let threshold = Figure(self.threshold, &self.unit);
        match self.measured {
            Some(measured) => {
                let measured = Figure(measured, &self.unit);
                write!(f, "{}: {measured} (asked for: {asked} {threshold})", self.what)
            }
            None => write!(f, "{}: not measured (asked for: {asked} {threshold})", self.what),
        }
    }
}

/// A number with its unit, to three digits or to whole ones.
struct Figure<'a>(f64, &'a str);

impl fmt::Display for Figure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, unit) = *self;
        let (value, unit) = if unit == SHARE { (value * 100.0, "%") } else { (value, unit) };
        let digits = match value.abs() {
            size if size >= 100.0 || size == 0.0 => 0,
            size if size >= 10.0 => 1,
            _ => 2,
        };
        let text = format!("{value:.digits$}");
        let text = if text.contains('.') { text.trim_end_matches('0') } else { &text };
        write!(f, "{}", text.trim_end_matches('.'))?;
        if unit.is_empty() { Ok(()) } else { write!(f, " {unit}") }
    }
}

//! What is told of a fault.

use std::{error::Error, time::SystemTime};

use kernel::{TraceContext, each_said_once};

use super::Fingerprint;
use crate::fields::shortened;

/// Of a chain of causes longer than this the rest is left out.
const MOST_CAUSES: usize = 8;

/// A fault, as trackers are told it.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorReport {
    /// What it is.
    pub kind: ErrorKind,
    /// What it says, as the log has it: on one line, at most 1,024 bytes. It may hold values, such as a
    /// row's id. Whoever carries it out of the house takes its [`shape`](super::shape).
    pub message: String,
    /// What caused it, the nearest first, at most eight; each as [`ErrorReport::message`].
    pub causes: Vec<String>,
    /// Where: `file:line` of a panic; of an error the route, the method of a port, the consumer or the job.
    pub place: String,
    /// Whose code, or [`HOST`](super::HOST).
    pub module: &'static str,
    /// The span that it came up in, where there was one.
    pub trace: Option<TraceContext>,
    /// The same for faults that are alike.
    pub fingerprint: Fingerprint,
    /// When.
    pub at: SystemTime,
    /// The program, the same for all of its replicas.
    pub program: &'static str,
    /// The program's version.
    pub release: &'static str,
    /// How many of this fingerprint were not told since the last that was: there were too many.
    pub suppressed: u64,
}

/// What a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The code gave up.
    Panic,
    /// The code said that something failed which should not.
    Error,
}

impl ErrorKind {
    /// As metrics and trackers name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Error => "error",
        }
    }
}

/// Keeps track of faults.
///
/// It is told at most [`MOST_OF_ALL`](super::MOST_OF_ALL) a minute.
pub trait ErrorTracker: Send + Sync {
    /// Takes a report. It must neither block nor panic, and holds a bounded number of them: whoever asked is
    /// waiting for the answer. What it has no room for it counts as [`lost`](super::lost()). Faults come up on
    /// many threads at once, and some while the program ends.
    fn report(&self, report: ErrorReport);
}

/// What an error says, and what its causes do.
pub(super) fn told(error: &(dyn Error + 'static)) -> (String, Vec<String>) {
    let mut texts = each_said_once(error).map(|text| one_line(&text));
    let message = texts.next().unwrap_or_default();
    (message, texts.take(MOST_CAUSES).collect())
}

/// Escapes what would end a line, or tell a terminal what to do, and leaves out what is too long.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    shortened(line.into())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug)]
    struct Chained(&'static str, Option<Box<Chained>>);

    impl std::fmt::Display for Chained {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Chained {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn a_chain_says_each_thing_once() {
        let inner = Chained("no such table", None);
        let middle = Chained("Execution Error: no such table", Some(Box::new(inner)));
        let outer = Chained("the database of notes failed", Some(Box::new(middle)));
        let (message, causes) = told(&outer);
        assert_eq!(message, "the database of notes failed");
        assert_eq!(causes, ["Execution Error: no such table"]);
    }

    #[test]
    fn a_report_is_on_one_line_and_bounded() {
        let forged = io::Error::other("gone\r\n2026-01-01 INFO all is well\u{1b}[2J");
        let (message, _) = told(&forged);
        assert_eq!(message, r"gone\r\n2026-01-01 INFO all is well\u{1b}[2J");
        let (long, _) = told(&io::Error::other("x".repeat(100_000)));
        assert!(long.len() < 1_100, "{}", long.len());
    }

    #[test]
    fn a_chain_without_end_has_one() {
        let mut error = Chained("0", None);
        for text in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"] {
            error = Chained(text, Some(Box::new(error)));
        }
        assert_eq!(told(&error).1.len(), MOST_CAUSES);
    }
}

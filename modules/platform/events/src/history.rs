//! What happened to a delivery, kept beside it.

use std::error::Error;

use kernel::{Timestamp, said_once};
use serde::{Deserialize, Serialize};

/// How much of an error is kept, in characters.
const LONGEST_ERROR: usize = 1_000;
/// How many entries are kept; the first ones go.
const MOST_ENTRIES: usize = 50;

/// One thing that happened to a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What can happen to a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happening {
    /// A handler failed, and will be called again.
    Failed {
        /// The attempt, counted from 1.
        attempt: u32,
        /// The error and its sources.
        error: String,
    },
    /// It was parked.
    Parked {
        /// The attempt, counted from 1; 0 where the handler was never called.
        attempt: u32,
        /// Why: the error and its sources.
        error: String,
    },
    /// An operator asked for it to be handled again.
    Replayed,
}

/// Reads a history, adds to it, and gives back what is to be stored.
pub(crate) fn with_entry(history: &serde_json::Value, entry: Entry) -> serde_json::Value {
    let mut entries = read(history);
    entries.push(entry);
    let surplus = entries.len().saturating_sub(MOST_ENTRIES);
    entries.drain(..surplus);
    // An entry is text and numbers, which always have a JSON form.
    serde_json::to_value(entries).unwrap_or_default()
}

/// The entries of a stored history; what this build cannot read is left out.
pub(crate) fn read(history: &serde_json::Value) -> Vec<Entry> {
    let Some(entries) = history.as_array() else { return Vec::new() };
    entries.iter().filter_map(|entry| Entry::deserialize(entry).ok()).collect()
}

/// An error and its sources in one line, of bounded length: a history is for people to read.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = said_once(error);
    if let Some((end, _)) = text.char_indices().nth(LONGEST_ERROR) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replayed(at: &str) -> Entry {
        Entry { at: at.parse().expect("a time"), what: Happening::Replayed }
    }

    #[test]
    fn a_history_grows_to_its_bound_and_keeps_the_newest() {
        let mut history = serde_json::Value::Array(Vec::new());
        for second in 0..60 {
            history = with_entry(&history, replayed(&format!("2026-01-01T00:00:{second:02}Z")));
        }
        let entries = read(&history);
        assert_eq!(entries.len(), MOST_ENTRIES);
        assert_eq!(entries.last(), Some(&replayed("2026-01-01T00:00:59Z")));
    }

    #[test]
    fn an_error_is_told_with_its_sources_and_within_its_bound() {
        #[derive(Debug, thiserror::Error)]
        #[error("the mail was not sent")]
        struct NotSent(#[source] std::io::Error);

        let error = NotSent(std::io::Error::other("ä".repeat(2_000)));
        let text = describe(&error);
        assert!(text.starts_with("the mail was not sent: ää"));
        assert_eq!(text.chars().count(), LONGEST_ERROR);
    }
}

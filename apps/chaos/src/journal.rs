//! The clients' own record of what they asked for and what they were told: one JSON object a line,
//! only ever appended to, so that the ledger can be checked against it again.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// Something that a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Operation {
    /// An owner signs up.
    Register {
        /// Their address.
        email: String,
    },
    /// They follow the link of the mail.
    Verify {
        /// Their address.
        email: String,
    },
    /// Somebody logs in.
    LogIn {
        /// Their address.
        email: String,
    },
    /// The owner subscribes.
    Subscribe {
        /// Seats.
        quantity: u32,
        /// Minor units that are to be charged.
        amount: i64,
        /// The payment method.
        method: String,
        /// How many requests are sent at once, all under the same key.
        at_once: u32,
    },
    /// The owner invites somebody.
    Invite {
        /// Their address.
        email: String,
    },
    /// The invited one accepts.
    Accept {
        /// Their address.
        email: String,
    },
    /// The owner takes an invitation back.
    Revoke {
        /// Whose.
        email: String,
    },
    /// The owner reports usage.
    Usage {
        /// The ids of the events, and their units.
        events: BTreeMap<String, u64>,
    },
    /// The owner reads what they were told of before.
    Read {
        /// The path.
        path: String,
        /// What the answer must name, where the owner was told of it before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expects: Option<String>,
    },
}

impl Operation {
    /// Its name in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Register { .. } => "register",
            Self::Verify { .. } => "verify",
            Self::LogIn { .. } => "log in",
            Self::Subscribe { .. } => "subscribe",
            Self::Invite { .. } => "invite",
            Self::Accept { .. } => "accept",
            Self::Revoke { .. } => "revoke",
            Self::Usage { .. } => "usage",
            Self::Read { .. } => "read",
        }
    }
}

/// What the client knows in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is done.
    Done {
        /// What the answer named, such as the subscription.
        #[serde(default, rename = "named", skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// It was refused, and nothing was done.
    Refused {
        /// The problem's slug.
        slug: String,
    },
    /// Nobody has told.
    Unknown {
        /// The last that was heard.
        why: String,
    },
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    Begun {
        id: u64,
        at_ms: u64,
        tenant: u64,
        #[serde(flatten)]
        operation: Operation,
    },
    /// An attempt that brought no final answer.
    Tried {
        id: u64,
        at_ms: u64,
        why: String,
        /// Whether it may have been done.
        perhaps_done: bool,
    },
    /// Two answers under one key differ.
    Contradicted { id: u64, at_ms: u64, first: String, second: String },
    Ended {
        id: u64,
        at_ms: u64,
        #[serde(flatten)]
        outcome: Outcome,
    },
}

/// Where clients write.
#[derive(Debug)]
pub struct Journal {
    file: Mutex<File>,
    begun: Instant,
    next: AtomicU64,
}

impl Journal {
    /// A new one in the file `path`.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create_new(path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { file: Mutex::new(file), begun: Instant::now(), next: AtomicU64::new(1) })
    }

    /// Notes what `tenant` is about to ask for, before it does.
    ///
    /// # Errors
    /// The file cannot be written to.
    pub fn begin(&self, tenant: u64, operation: &Operation) -> Result<u64> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.write(&Line::Begun { id, at_ms: self.now(), tenant, operation: operation.clone() })?;
        Ok(id)
    }

    /// Notes an attempt after which the client does not know enough.
    ///
    /// # Errors
    /// The file cannot be written to.
    pub fn tried(&self, id: u64, why: &str, certainty: Certainty) -> Result<()> {
        let perhaps_done = certainty == Certainty::PerhapsDone;
        self.write(&Line::Tried { id, at_ms: self.now(), why: why.to_owned(), perhaps_done })
    }

    /// Notes that a key brought two answers.
    ///
    /// # Errors
    /// The file cannot be written to.
    pub fn contradicted(&self, id: u64, first: &str, second: &str) -> Result<()> {
        let (first, second) = (first.to_owned(), second.to_owned());
        self.write(&Line::Contradicted { id, at_ms: self.now(), first, second })
    }

    /// Notes what the client knows in the end.
    ///
    /// # Errors
    /// The file cannot be written to.
    pub fn end(&self, id: u64, outcome: &Outcome) -> Result<()> {
        self.write(&Line::Ended { id, at_ms: self.now(), outcome: outcome.clone() })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn write(&self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line).context("writing a line of the journal")?;
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text).context("writing to the journal")
    }
}

/// What an attempt without a final answer leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Nothing was done.
    NotDone,
    /// It may have been done.
    PerhapsDone,
}

/// One operation, as its client saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: u64,
    /// Whose it was.
    pub tenant: u64,
    /// What was asked for.
    pub operation: Operation,
    /// Attempts of which the client does not know what they did.
    pub perhaps_done: u32,
    /// Answers under one key that differ, if any do.
    pub contradiction: Option<(String, String)>,
    /// What the client knows in the end.
    pub outcome: Outcome,
}

/// Reads a journal: all operations, in the order in which they were begun.
///
/// # Errors
/// The file cannot be read, or is no journal.
pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let context = || format!("reading {}", path.display());
    let file = File::open(path).with_context(context)?;
    let mut entries: BTreeMap<u64, Entry> = BTreeMap::new();
    for text in BufReader::new(file).lines() {
        let text = text.with_context(context)?;
        let line: Line = serde_json::from_str(&text).with_context(context)?;
        match line {
            Line::Begun { id, tenant, operation, .. } => {
                let outcome = Outcome::Unknown { why: "not asked yet".to_owned() };
                let (perhaps_done, contradiction) = (0, None);
                let entry = Entry { id, tenant, operation, perhaps_done, contradiction, outcome };
                entries.insert(id, entry);
            }
            Line::Tried { id, perhaps_done, .. } => {
                if let Some(entry) = entries.get_mut(&id) {
                    entry.perhaps_done += u32::from(perhaps_done);
                }
            }
            Line::Contradicted { id, first, second, .. } => {
                if let Some(entry) = entries.get_mut(&id) {
                    entry.contradiction = Some((first, second));
                }
            }
            Line::Ended { id, outcome, .. } => {
                if let Some(entry) = entries.get_mut(&id) {
                    entry.outcome = outcome;
                }
            }
        }
    }
    Ok(entries.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_says_what_the_clients_knew_last() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        let journal = Journal::create(&path).expect("a journal");
        let operation = Operation::Invite { email: "a@b.example".to_owned() };
        let id = journal.begin(7, &operation).expect("written");
        journal.tried(id, "broken off", Certainty::PerhapsDone).expect("written");
        journal.tried(id, "refused", Certainty::NotDone).expect("written");
        journal.end(id, &Outcome::Unknown { why: "refused".to_owned() }).expect("written");
        let other = journal.begin(8, &operation).expect("written");
        journal.end(id, &Outcome::Done { id: Some("i1".to_owned()) }).expect("written");

        let entries = read(&path).expect("a journal");
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].tenant, entries[0].perhaps_done), (7, 1));
        assert_eq!(entries[0].outcome, Outcome::Done { id: Some("i1".to_owned()) });
        assert_eq!(entries[1].id, other);
        assert!(matches!(entries[1].outcome, Outcome::Unknown { .. }));
        assert!(Journal::create(&path).is_err(), "it is only ever appended to");
    }
}

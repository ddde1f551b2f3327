//! From where on a destination's rows are looked at.
//!
//! What was sent stays in the index for as long as anybody holds a transaction open that began
//! before: a look from the first row steps over all of it, at each batch. So the relay goes on
//! behind what it has sent, and looks from the start only so often that it costs little.
//!
//! *Invariant*: no row behind the cursor is sent while one before it, of the same key, is not. The
//! cursor moves over rows only where none was left out: not while any row of the destination is
//! held back, and only for as long as the same lanes are other relays'.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use storage::tables::outbox::Model;
use tokio::time::Instant;

/// Looks from the start may take one part in so many of the time.
const SHARE: u32 = 20;

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At every row.
    Start,
    /// At the rows after this one.
    After(i64),
}

/// How far this relay has come with each destination.
#[derive(Default)]
pub(super) struct Cursors(Mutex<HashMap<String, Cursor>>);

struct Cursor {
    after: i64,
    /// The lanes that were left to other relays.
    others: Vec<i32>,
    last_look: Look,
}

/// A look from the start.
#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    took: Duration,
}

impl Look {
    fn may_be_repeated(self) -> bool {
        self.at.elapsed() >= self.took * SHARE
    }
}

impl Cursors {
    /// Where rows of `destination` are to be looked for, with the lanes `others` left out.
    pub(super) fn place(&self, destination: &str, others: &[i32]) -> Place {
        match self.lock().get(destination) {
            Some(cursor) if cursor.others == others && !cursor.last_look.may_be_repeated() => {
                Place::After(cursor.after)
            }
            Some(_) | None => Place::Start,
        }
    }

    /// Notes a look from the start.
    pub(super) fn looked(&self, destination: &str, others: &[i32], at: Instant) {
        let last_look = Look { at, took: at.elapsed() };
        let cursor = Cursor { after: 0, others: others.to_vec(), last_look };
        self.lock().insert(destination.to_owned(), cursor);
    }

    /// Goes on behind those of `due` that were sent, up to the first that was not.
    pub(super) fn advance(&self, destination: &str, due: &[Model], sent: &HashSet<i64>) {
        let passed = due.iter().map(|row| row.seq).take_while(|seq| sent.contains(seq)).last();
        if let (Some(passed), Some(cursor)) = (passed, self.lock().get_mut(destination)) {
            cursor.after = cursor.after.max(passed);
        }
    }

    /// Starts from the beginning.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Cursor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The destinations that had anything for them, and what it took to find out.
#[derive(Default)]
pub(super) struct Known(Mutex<Option<(Look, Vec<String>)>>);

impl Known {
    /// Those of the last look, where another one would come too soon.
    pub(super) fn recent(&self) -> Option<Vec<String>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(look, _)| !look.may_be_repeated()).map(|(_, names)| names.clone())
    }

    /// Notes a look.
    pub(super) fn looked(&self, at: Instant, destinations: &[String]) {
        let look = Look { at, took: at.elapsed() };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((look, destinations.to_vec()));
    }
}

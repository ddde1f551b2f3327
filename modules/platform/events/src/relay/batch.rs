//! What goes together.

use std::collections::{BTreeSet, HashSet};

use kernel::Envelope;
use storage::tables::outbox::Model;

use crate::settings::MOST_BYTES;

/// Chooses from due rows, which are in the order of writing, those that are sent at once.
///
/// Rows of keys whose first row was never sent in vain go together. A row that was goes alone, so
/// that an event that breaks the receiver breaks only its own key. What has been due longest goes
/// first: what fails again and again cannot crowd out the rest.
pub(super) fn compose(due: Vec<Model>) -> Vec<Model> {
    let first_of_keys = first_of_each_key(&due);
    let suspect: HashSet<String> = first_of_keys
        .iter()
        .filter(|row| row.attempts > 0)
        .map(|row| row.ordering_key.clone())
        .collect();
    let longest_due = first_of_keys.iter().min_by_key(|row| (row.next_attempt_at, row.seq));
    match longest_due.filter(|row| row.attempts > 0).map(|row| row.seq) {
        Some(alone) => due.into_iter().filter(|row| row.seq == alone).collect(),
        None => due.into_iter().filter(|row| !suspect.contains(&row.ordering_key)).collect(),
    }
}

/// How many of `rows`, from the first, go in one message: no more than `most`, nor than
/// [`MOST_BYTES`] hold.
pub(super) fn length(rows: &[Model], most: usize) -> usize {
    let mut bytes = 0_usize;
    let fits = rows.iter().take(most).take_while(|row| {
        bytes = bytes.saturating_add(row.envelope.to_string().len());
        bytes <= MOST_BYTES
    });
    // One that is longer by itself goes by itself, and its receiver says what it makes of it.
    fits.count().max(1).min(rows.len())
}

/// A row whose envelope this build cannot read.
#[derive(Debug, thiserror::Error)]
#[error("the stored envelope is malformed")]
pub(super) struct Unreadable {
    pub(super) row: Box<Model>,
    source: serde_json::Error,
}

/// Reads the envelopes of a batch.
pub(super) fn open(batch: Vec<Model>) -> Result<(Vec<Model>, Vec<Envelope>), Unreadable> {
    let mut envelopes = Vec::with_capacity(batch.len());
    let mut rows = Vec::with_capacity(batch.len());
    for row in batch {
        match row.envelope() {
            Ok(envelope) => envelopes.push(envelope),
            // What comes before it goes first.
            Err(_) if !rows.is_empty() => break,
            Err(source) => return Err(Unreadable { row: Box::new(row), source }),
        }
        rows.push(row);
    }
    Ok((rows, envelopes))
}

pub(super) fn lanes_of(rows: &[Model]) -> BTreeSet<i32> {
    rows.iter().map(|row| row.lane).collect()
}

pub(super) fn first_of_each_key(rows: &[Model]) -> Vec<&Model> {
    let mut seen = HashSet::new();
    rows.iter().filter(|row| seen.insert(&row.ordering_key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: i64, key: &str, attempts: i32) -> Model {
        let now = time::OffsetDateTime::UNIX_EPOCH;
        Model {
            seq,
            event_id: uuid::Uuid::from_u128(1),
            destination: "notifications".to_owned(),
            lane: 0,
            ordering_key: key.to_owned(),
            tenant_id: None,
            envelope: serde_json::Value::Null,
            attempts,
            next_attempt_at: now,
            last_error: None,
            created_at: now,
            sent_at: None,
        }
    }

    fn due_since(second: i64, row: Model) -> Model {
        let next_attempt_at = row.next_attempt_at + time::Duration::seconds(second);
        Model { next_attempt_at, ..row }
    }

    fn composed(due: Vec<Model>) -> Vec<i64> {
        compose(due).iter().map(|row| row.seq).collect()
    }

    #[test]
    fn keys_that_never_failed_go_together() {
        assert_eq!(composed(vec![row(1, "a", 0), row(2, "b", 0), row(3, "a", 0)]), [1, 2, 3]);
    }

    #[test]
    fn a_row_that_failed_goes_alone() {
        assert_eq!(composed(vec![row(1, "a", 2), row(2, "b", 0), row(3, "a", 0)]), [1]);
    }

    #[test]
    fn a_key_that_failed_is_left_out_by_the_others() {
        let due = vec![
            row(1, "b", 0),
            due_since(1, row(2, "a", 1)),
            row(3, "a", 0),
            due_since(2, row(4, "b", 0)),
        ];
        assert_eq!(composed(due), [1, 4]);
    }

    #[test]
    fn what_has_been_due_longest_goes_first() {
        let due = vec![due_since(9, row(1, "a", 7)), due_since(5, row(2, "b", 1))];
        assert_eq!(composed(due), [2]);
        let due = vec![due_since(9, row(1, "a", 7)), due_since(8, row(2, "b", 0))];
        assert_eq!(composed(due), [2]);
        let due = vec![due_since(7, row(1, "a", 7)), due_since(8, row(2, "b", 0))];
        assert_eq!(composed(due), [1]);
    }

    #[test]
    fn nothing_is_composed_of_nothing() {
        assert!(compose(Vec::new()).is_empty());
        assert_eq!(length(&[], 5), 0);
    }

    #[test]
    fn a_message_is_as_long_as_its_receiver_takes() {
        let of = |bytes| Model { envelope: "x".repeat(bytes).into(), ..row(1, "a", 0) };
        let third = MOST_BYTES / 3 - 10;
        assert_eq!(length(&[of(third), of(third), of(third), of(third)], 400), 3);
        assert_eq!(length(&[of(third), of(third), of(third), of(third)], 2), 2);
        assert_eq!(length(&[of(MOST_BYTES), of(1)], 400), 1, "it goes by itself");
    }

    #[test]
    fn an_unreadable_row_is_found_when_it_is_first() {
        let unreadable = open(vec![row(1, "a", 0)]).expect_err("null is no envelope");
        assert_eq!(unreadable.row.seq, 1);
    }
}

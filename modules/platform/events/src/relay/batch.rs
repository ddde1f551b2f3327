//! What goes together.

use std::collections::{BTreeSet, HashSet};

use kernel::Envelope;
use storage::tables::outbox::Model;

use crate::settings::MOST_BYTES;

/// Takes from `ahead`, due rows in the order of writing, those that are sent at once: no more than
/// `most`, nor than [`MOST_BYTES`] hold.
///
/// Rows of keys whose first row was never sent in vain go together. A row that was goes alone, so
/// that an event that breaks the receiver breaks only its own key. What has been due longest goes
/// first: what fails again and again cannot crowd out the rest.
pub(super) fn take(ahead: &mut Vec<Model>, most: usize) -> Vec<Model> {
    let first_of_keys = first_of_each_key(ahead);
    let suspect: HashSet<String> = first_of_keys
        .iter()
        .filter(|row| row.attempts > 0)
        .map(|row| row.ordering_key.clone())
        .collect();
    let longest_due = first_of_keys.iter().min_by_key(|row| (row.next_attempt_at, row.seq));
    let alone = longest_due.filter(|row| row.attempts > 0).map(|row| row.seq);
    let goes = |row: &Model| match alone {
        Some(seq) => row.seq == seq,
        None => !suspect.contains(&row.ordering_key),
    };
    let (mut batch, mut stays): (Vec<_>, Vec<_>) = ahead.drain(..).partition(goes);
    stays.append(&mut batch.split_off(length(&batch, most)));
    stays.sort_unstable_by_key(|row| row.seq);
    *ahead = stays;
    batch
}

/// How many of `rows`, from the first, go in one message.
fn length(rows: &[Model], most: usize) -> usize {
    let mut bytes = 0_usize;
    let fits = rows.iter().take(most).take_while(|row| {
        bytes = bytes.saturating_add(row.envelope.to_string().len());
        bytes <= MOST_BYTES
    });
    // One that is longer by itself, as only another build's can be, goes by itself, and its
    // receiver says what it makes of it.
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

    /// What goes at once, and then, and so on.
    fn batches(mut due: Vec<Model>) -> Vec<Vec<i64>> {
        let next = || {
            let batch = take(&mut due, 400);
            (!batch.is_empty()).then(|| batch.iter().map(|row| row.seq).collect())
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn keys_that_never_failed_go_together() {
        assert_eq!(batches(vec![row(1, "a", 0), row(2, "b", 0), row(3, "a", 0)]), [[1, 2, 3]]);
    }

    #[test]
    fn a_row_that_failed_goes_alone() {
        let due = vec![row(1, "a", 2), row(2, "b", 0), row(3, "a", 0)];
        assert_eq!(batches(due), [vec![1], vec![2, 3]]);
    }

    #[test]
    fn a_key_that_failed_is_left_out_by_the_others() {
        let due = vec![
            row(1, "b", 0),
            due_since(1, row(2, "a", 1)),
            row(3, "a", 0),
            due_since(2, row(4, "b", 0)),
        ];
        assert_eq!(batches(due), [vec![1, 4], vec![2], vec![3]]);
    }

    #[test]
    fn what_has_been_due_longest_goes_first() {
        let due = vec![due_since(9, row(1, "a", 7)), due_since(5, row(2, "b", 1))];
        assert_eq!(batches(due), [[2], [1]]);
        let due = vec![due_since(9, row(1, "a", 7)), due_since(8, row(2, "b", 0))];
        assert_eq!(batches(due), [[2], [1]]);
        let due = vec![due_since(7, row(1, "a", 7)), due_since(8, row(2, "b", 0))];
        assert_eq!(batches(due), [[1], [2]]);
    }

    #[test]
    fn what_does_not_fit_stays_in_order() {
        let mut due = vec![row(1, "a", 0), row(2, "b", 3), row(3, "c", 0), row(4, "a", 0)];
        due[1].next_attempt_at += time::Duration::seconds(9);
        let batch: Vec<i64> = take(&mut due, 2).iter().map(|row| row.seq).collect();
        assert_eq!(batch, [1, 3]);
        assert_eq!(due.iter().map(|row| row.seq).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn nothing_is_taken_of_nothing() {
        assert!(take(&mut Vec::new(), 5).is_empty());
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

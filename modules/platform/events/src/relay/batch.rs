//! What goes together.

use std::collections::{BTreeSet, HashSet};

use kernel::Envelope;
use storage::tables::outbox::Model;

/// Chooses from due rows, which are in the order of writing, those that are sent at once: a key
/// whose first row was sent in vain before goes alone, so that an event that breaks the receiver
/// breaks only its own key; the others go together.
pub(super) fn compose(due: Vec<Model>) -> Vec<Model> {
    let Some(first) = due.first() else { return due };
    if first.attempts > 0 {
        let key = first.ordering_key.clone();
        return due.into_iter().filter(|row| row.ordering_key == key).collect();
    }
    let mut seen = HashSet::new();
    let mut suspect = HashSet::new();
    for row in &due {
        if seen.insert(row.ordering_key.clone()) && row.attempts > 0 {
            suspect.insert(row.ordering_key.clone());
        }
    }
    due.into_iter().filter(|row| !suspect.contains(&row.ordering_key)).collect()
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

    fn composed(due: Vec<Model>) -> Vec<i64> {
        compose(due).iter().map(|row| row.seq).collect()
    }

    #[test]
    fn keys_that_never_failed_go_together() {
        assert_eq!(composed(vec![row(1, "a", 0), row(2, "b", 0), row(3, "a", 0)]), [1, 2, 3]);
    }

    #[test]
    fn a_key_that_failed_goes_alone_and_in_order() {
        assert_eq!(composed(vec![row(1, "a", 2), row(2, "b", 0), row(3, "a", 0)]), [1, 3]);
    }

    #[test]
    fn a_key_that_failed_is_left_out_by_the_others() {
        let due = vec![row(1, "b", 0), row(2, "a", 1), row(3, "a", 0), row(4, "b", 0)];
        assert_eq!(composed(due), [1, 4]);
    }

    #[test]
    fn an_unreadable_row_is_found_when_it_is_first() {
        let unreadable = open(vec![row(1, "a", 0)]).expect_err("null is no envelope");
        assert_eq!(unreadable.row.seq, 1);
    }
}

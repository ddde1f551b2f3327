//! What the relay and the scheduler need to write.

use kernel::{Envelope, Timestamp};
use sea_orm::ColumnTrait;
use sha2::{Digest, Sha256};

use crate::{DeleteMany, StoreError, SystemTx, publish, tables::scheduled};

/// Into how many lanes the outbox is divided. A relay leases lanes, so that several can work.
pub const LANES: i32 = 16;

/// The lane of everything with that ordering key: the same in every process and build.
#[must_use]
pub fn lane_of(ordering_key: &str) -> i32 {
    let digest = Sha256::digest(ordering_key.as_bytes());
    i32::from(digest[0]) % LANES
}

impl SystemTx {
    /// Writes `envelope` to the outbox as it is, for one destination.
    ///
    /// # Errors
    /// [`StoreError::Json`], or the database's.
    pub async fn enqueue(&self, envelope: &Envelope, destination: &str) -> Result<(), StoreError> {
        publish::enqueue(self.tx(), envelope, &[destination.to_owned()]).await
    }

    /// Moves at most `limit` scheduled events that are due into the outbox, the earliest first,
    /// for this module itself.
    ///
    /// # Errors
    /// The database's.
    pub async fn promote_due(&self, limit: u64, now: Timestamp) -> Result<Promoted, StoreError> {
        let due = self
            .find::<scheduled::Entity>()
            .filter(scheduled::Column::DueAt.lte(now.to_offset_date_time()))
            .order_by_asc(scheduled::Column::DueAt)
            .order_by_asc(scheduled::Column::Id)
            .limit(limit)
            .lock()
            .all()
            .await?;
        let module = self.store().module();
        DeleteMany::<scheduled::Entity>::of_all(self.tx())
            .filter(scheduled::Column::Id.is_in(due.iter().map(|row| row.id)))
            .exec()
            .await?;
        let mut promoted = Promoted::default();
        for row in due {
            match row.envelope() {
                Ok(envelope) => {
                    self.enqueue(&envelope, module).await?;
                    promoted.moved += 1;
                }
                // One that cannot be read must not keep the others waiting.
                Err(error) => promoted.unreadable.push((row, error)),
            }
        }
        Ok(promoted)
    }
}

/// What became of scheduled events that were due.
#[derive(Debug, Default)]
pub struct Promoted {
    /// How many are in the outbox now.
    pub moved: u64,
    /// Those that this build cannot read, and why. They are no longer scheduled: the caller keeps
    /// them elsewhere before it commits.
    pub unreadable: Vec<(scheduled::Model, serde_json::Error)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_stable_and_within_bounds() {
        // Rows written by an older build must stay in their lane: the first byte of
        // `printf … | sha256sum`, modulo 16.
        for (key, lane) in [
            ("subscription:00000000-0000-0000-0000-000000000001", 8),
            ("invitation:00000000-0000-0000-0000-000000000002", 6),
            ("", 3),
        ] {
            assert_eq!(lane_of(key), lane, "{key}");
        }
        assert!((0..1000).all(|n| (0..LANES).contains(&lane_of(&n.to_string()))));
    }
}

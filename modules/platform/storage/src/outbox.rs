//! What the relay and the scheduler need and no builder can say.

use kernel::{Envelope, Timestamp};
use sea_orm::{
    ColumnTrait, EntityTrait, Iterable,
    sea_query::{Expr, ExprTrait, Order, Query, SelectStatement},
};
use sha2::{Digest, Sha256};

use crate::{
    DeleteMany, StoreError, SystemReader, SystemTx,
    link::On,
    publish,
    tables::{outbox, scheduled},
    write,
};

/// Into how many lanes the outbox is divided. A relay leases lanes, so that several can work.
pub const LANES: i32 = 16;

/// The lane of everything with that ordering key: the same in every process and build.
#[must_use]
pub fn lane_of(ordering_key: &str) -> i32 {
    let digest = Sha256::digest(ordering_key.as_bytes());
    i32::from(digest[0]) % LANES
}

impl SystemReader<'_> {
    /// At most `limit` rows of `lanes` that are to be sent now, in the order of their writing:
    /// unsent, due, and not behind an earlier row of the same destination and ordering key that
    /// waits for its next attempt.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's.
    pub async fn due_outbox(
        &self,
        lanes: &[i32],
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<outbox::Model>, StoreError> {
        let on = On::Readers(self.store());
        write::select::<outbox::Entity>(on, &due_outbox(lanes, limit, now)).await
    }
}

impl SystemTx {
    /// As [`SystemReader::due_outbox`], within the transaction.
    ///
    /// # Errors
    /// The database's.
    pub async fn due_outbox(
        &self,
        lanes: &[i32],
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<outbox::Model>, StoreError> {
        let on = On::Transaction(self.tx());
        write::select::<outbox::Entity>(on, &due_outbox(lanes, limit, now)).await
    }

    /// Writes `envelope` to the outbox as it is, for one destination.
    ///
    /// # Errors
    /// [`StoreError::Json`], or the database's.
    pub async fn enqueue(&self, envelope: &Envelope, destination: &str) -> Result<(), StoreError> {
        publish::enqueue(self.tx(), envelope, &[destination.to_owned()]).await
    }

    /// Moves at most `limit` scheduled events that are due into the outbox, the earliest first,
    /// for this module itself, and says how many these were.
    ///
    /// # Errors
    /// [`StoreError::Json`] where a stored envelope cannot be read, or the database's.
    pub async fn promote_due(&self, limit: u64, now: Timestamp) -> Result<u64, StoreError> {
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
        for row in &due {
            let envelope = row.envelope().map_err(|source| StoreError::Json {
                module,
                what: "a scheduled event",
                source,
            })?;
            self.enqueue(&envelope, module).await?;
        }
        DeleteMany::<scheduled::Entity>::of_all(self.tx())
            .filter(scheduled::Column::Id.is_in(due.iter().map(|row| row.id)))
            .exec()
            .await
    }
}

fn due_outbox(lanes: &[i32], limit: u64, now: Timestamp) -> SelectStatement {
    let now = now.to_offset_date_time();
    let row = |column: outbox::Column| Expr::col(("row", column));
    let earlier = |column: outbox::Column| Expr::col(("earlier", column));
    let blocked = Query::select()
        .expr(Expr::val(1))
        .from_as(outbox::Entity, "earlier")
        .and_where(earlier(outbox::Column::Destination).eq(row(outbox::Column::Destination)))
        .and_where(earlier(outbox::Column::OrderingKey).eq(row(outbox::Column::OrderingKey)))
        .and_where(earlier(outbox::Column::SentAt).is_null())
        .and_where(earlier(outbox::Column::NextAttemptAt).gt(now))
        .and_where(earlier(outbox::Column::Seq).lt(row(outbox::Column::Seq)))
        .take();
    Query::select()
        .columns(<outbox::Entity as EntityTrait>::Column::iter().map(|column| ("row", column)))
        .from_as(outbox::Entity, "row")
        .and_where(row(outbox::Column::SentAt).is_null())
        .and_where(row(outbox::Column::Lane).is_in(lanes.iter().copied()))
        .and_where(row(outbox::Column::NextAttemptAt).lte(now))
        .and_where(Expr::not_exists(blocked))
        .order_by(("row", outbox::Column::Seq), Order::Asc)
        .limit(limit)
        .take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_stable_and_within_bounds() {
        // Rows written by an older build must stay in their lane.
        assert_eq!(
            lane_of("subscription:00000000-0000-0000-0000-000000000001"),
            lane_of("subscription:00000000-0000-0000-0000-000000000001")
        );
        assert!((0..1000).all(|n| (0..LANES).contains(&lane_of(&n.to_string()))));
    }
}

//! Leases of lanes: which relay sends what, so that two do not send the same.

use std::{
    collections::{BTreeSet, HashMap},
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kernel::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition};
use storage::{
    Store, StoreError,
    tables::lanes::{ActiveModel, Column, Entity},
};

use crate::{EngineSettings, scopes::RELAY};

/// The lanes as one relay sees them.
pub(super) struct Lanes {
    store: Store,
    /// Names this relay among all that there ever are.
    owner: String,
    lease: Duration,
    /// How long another's lease is believed without looking again.
    trust: Duration,
    seen: Mutex<HashMap<i32, Lease>>,
}

#[derive(Clone, Copy)]
enum Lease {
    Own { until: Timestamp },
    Foreign { believed_until: Timestamp },
}

impl Lanes {
    pub(super) fn new(store: Store, settings: &EngineSettings) -> Self {
        Self {
            store,
            owner: uuid::Uuid::now_v7().to_string(),
            lease: settings.lease,
            trust: settings.poll,
            seen: Mutex::default(),
        }
    }

    /// Whether all of `lanes` are this relay's for a while yet. A lease that is longer than leases
    /// are was taken by a clock that was ahead, and others do not believe it.
    pub(super) fn are_held(&self, lanes: &BTreeSet<i32>, now: Timestamp) -> bool {
        let seen = self.seen();
        lanes.iter().all(|lane| match seen.get(lane) {
            Some(Lease::Own { until }) => {
                let left = until.since(now);
                self.lease / 2 < left && left <= self.lease
            }
            Some(Lease::Foreign { .. }) | None => false,
        })
    }

    /// The lanes that were another relay's a moment ago.
    pub(super) fn of_others(&self, now: Timestamp) -> Vec<i32> {
        let is_foreign = |lease: &Lease| {
            matches!(lease, Lease::Foreign { believed_until }
                if *believed_until > now && believed_until.since(now) <= self.trust)
        };
        let seen = self.seen();
        seen.iter().filter(|(_, lease)| is_foreign(lease)).map(|(lane, _)| *lane).collect()
    }

    /// Takes or renews the leases of those `lanes` that are not another's.
    pub(super) async fn take(
        &self,
        lanes: &BTreeSet<i32>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let wanted = || Column::Lane.is_in(lanes.iter().copied());
        let until = now + self.lease;
        let tx = self.store.system_write(&RELAY).await?;
        let unheard_of = lanes.iter().map(|lane| ActiveModel {
            lane: Set(*lane),
            leased_by: Set(self.owner.clone()),
            leased_until: Set(until.into()),
        });
        tx.insert_new(unheard_of.collect(), &[Column::Lane]).await?;
        let free = Condition::any()
            .add(Column::LeasedBy.eq(self.owner.as_str()))
            .add(Column::LeasedUntil.lte(now.to_offset_date_time()))
            // Nobody leases for so long: whoever wrote it had another clock.
            .add(Column::LeasedUntil.gt((now + 2 * self.lease).to_offset_date_time()));
        tx.update_many::<Entity>()
            .set(Column::LeasedBy, self.owner.as_str())
            .set(Column::LeasedUntil, until.to_offset_date_time())
            .filter(wanted())
            .filter(free)
            .exec()
            .await?;
        let leases = tx.find::<Entity>().filter(wanted()).all().await?;
        tx.commit().await?;
        let mut seen = self.seen();
        for row in leases {
            let lease = if row.leased_by == self.owner {
                Lease::Own { until }
            } else {
                Lease::Foreign { believed_until: now + self.trust }
            };
            seen.insert(row.lane, lease);
        }
        Ok(())
    }

    /// Keeps the leases of `lanes` for as long as it is polled.
    pub(super) async fn keep(&self, lanes: BTreeSet<i32>) -> Infallible {
        loop {
            tokio::time::sleep(self.lease / 2).await;
            if let Err(error) = self.take(&lanes, self.store.clock().now()).await {
                // Should the lease end, another relay sends the same again, which the inbox
                // recognises.
                tracing::warn!(error = &error as &dyn std::error::Error, "a lease was not renewed");
            }
        }
    }

    /// Ends all leases, whosever they are.
    pub(super) async fn clear(&self) -> Result<(), StoreError> {
        self.seen().clear();
        let tx = self.store.system_write(&RELAY).await?;
        tx.delete_many::<Entity>().exec().await?;
        tx.commit().await
    }

    /// Gives back all that is held.
    pub(super) async fn release(&self) -> Result<(), StoreError> {
        let held = {
            let mut seen = self.seen();
            let held = seen.values().any(|lease| matches!(lease, Lease::Own { .. }));
            seen.clear();
            held
        };
        if held {
            let tx = self.store.system_write(&RELAY).await?;
            let own = Column::LeasedBy.eq(self.owner.as_str());
            tx.delete_many::<Entity>().filter(own).exec().await?;
            tx.commit().await?;
        }
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<i32, Lease>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

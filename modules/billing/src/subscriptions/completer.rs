//! Finishes charges whose answer was not heard.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use events::{Action, Delivery, HandlerError};
use kernel::{Aggregate, CallContext, Event};
use serde::{Deserialize, Serialize};
use storage::StoreError;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Resolved;
use crate::Billing;

/// The longest wait between two times of asking.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// A charge was asked for some time ago. Told by billing to itself, and to nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ChargeUnsettled {
    charge: Uuid,
    /// Counts from 1.
    attempt: u32,
}

impl Event for ChargeUnsettled {
    const TYPE: &'static str = "billing.charge_unsettled";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("charge", self.charge, i64::from(self.attempt))
    }
}

impl ChargeUnsettled {
    pub(super) const fn first(charge: Uuid) -> Self {
        Self { charge, attempt: 1 }
    }

    /// What its waiting row is known by: the same for every attempt, so that however many come to
    /// look after a charge, one attempt waits.
    pub(super) fn schedule_key(&self) -> String {
        format!("complete-charge/{}", self.charge)
    }

    const fn again(&self) -> Self {
        Self { charge: self.charge, attempt: self.attempt.saturating_add(1) }
    }

    /// From a minute, doubling.
    fn wait(&self) -> Duration {
        let doublings = self.attempt.min(16);
        Duration::from_secs(30 << doublings).min(LONGEST_WAIT)
    }
}

/// Asks the provider again, under the same key, and settles.
///
/// A provider that is away is no failure of the event: the charge is scheduled anew, without end,
/// since only an answer says whether money moved.
pub(crate) struct CompleteCharge(Arc<Billing>);

impl CompleteCharge {
    /// The consumer's name.
    pub(crate) const NAME: &'static str = "billing.complete_charge";

    pub(crate) const fn new(billing: Arc<Billing>) -> Self {
        Self(billing)
    }
}

#[async_trait]
impl Action<ChargeUnsettled> for CompleteCharge {
    async fn perform(
        &self,
        ctx: &CallContext,
        event: ChargeUnsettled,
        _: &Delivery,
    ) -> Result<(), HandlerError> {
        let Self(billing) = self;
        match billing.resolve(ctx, event.charge).await? {
            Resolved::Is(_) | Resolved::Gone => Ok(()),
            Resolved::StillUnknown(error) => {
                tracing::warn!(
                    billing.charge = %event.charge,
                    billing.attempt = event.attempt,
                    error = &error as &dyn std::error::Error,
                    "a charge is still without an answer"
                );
                Ok(ask_later(billing, ctx, &event).await?)
            }
        }
    }
}

async fn ask_later(
    billing: &Billing,
    ctx: &CallContext,
    event: &ChargeUnsettled,
) -> Result<(), StoreError> {
    let tx = billing.store.write(ctx).await?;
    let due = billing.store.clock().now() + event.wait();
    let again = event.again();
    tx.schedule(due, &again.schedule_key(), &again).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_less_and_less_often_but_every_hour() {
        let mut event = ChargeUnsettled::first(Uuid::from_u128(1));
        let mut waits = Vec::new();
        for _ in 0..8 {
            waits.push(event.wait().as_secs());
            event = event.again();
        }
        assert_eq!(waits, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        event.attempt = u32::MAX;
        assert_eq!(event.again().wait(), LONGEST_WAIT);
    }
}

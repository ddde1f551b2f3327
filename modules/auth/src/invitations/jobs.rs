//! What happens to invitations later. These events are declared, scheduled and consumed by auth
//! alone; nothing else subscribes to them.

use std::sync::Arc;

use async_trait::async_trait;
use billing_api::{BillingApi, BillingError, SeatRequest};
use events::{Action, Delivery, Effect, HandlerError};
use kernel::{Aggregate, CallContext, Event, InvitationId};
use serde::{Deserialize, Serialize};
use storage::{Store, StoreError, TenantTx};
use utoipa::ToSchema;

use super::{
    domain::{Status, Step},
    key,
    store::{self, Withdrawal},
};
use crate::audit;

/// The time is up in which the seat of an invitation should have been confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservationOverdue {
    /// The invitation.
    pub invitation: InvitationId,
    /// The client's key of the request that tried to reserve it last, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

impl Event for ReservationOverdue {
    const TYPE: &'static str = "auth.reservation_overdue";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("invitation", self.invitation, 1)
    }
}

/// The time is up in which an invitation could be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationExpired {
    /// The invitation.
    pub invitation: InvitationId,
}

impl Event for InvitationExpired {
    const TYPE: &'static str = "auth.invitation_expired";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("invitation", self.invitation, 2)
    }
}

/// The seat of an invitation is to be given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeatReleaseDue {
    /// The invitation that held it.
    pub invitation: InvitationId,
}

impl Event for SeatReleaseDue {
    const TYPE: &'static str = "auth.seat_release_due";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("invitation", self.invitation, 3)
    }
}

/// Who holds the seat of `invitation` at billing, and the key under which it is reserved.
pub(super) fn holder(invitation: InvitationId) -> String {
    format!("invitation:{invitation}")
}

pub(super) fn reservation_job(invitation: InvitationId) -> String {
    format!("invitation:{invitation}/reservation")
}

pub(super) fn expiry_job(invitation: InvitationId) -> String {
    format!("invitation:{invitation}/expiry")
}

/// Schedules the release of a seat for as soon as the transaction is committed.
pub(super) async fn release_seat(
    store: &Store,
    tx: &TenantTx,
    invitation: InvitationId,
) -> Result<(), StoreError> {
    // A key of its own each time: a release that was asked for twice may be done twice.
    let key = format!("invitation:{invitation}/release/{}", store.ids().next());
    tx.schedule(store.clock().now(), &key, &SeatReleaseDue { invitation }).await?;
    Ok(())
}

/// Takes an invitation back whose seat was never confirmed, and frees the key of its request:
/// whether billing reserved the seat is unknown, so it is released either way.
pub(crate) struct GiveUpReservation(pub(crate) Store);

#[async_trait]
impl Effect<ReservationOverdue> for GiveUpReservation {
    async fn apply(
        &self,
        tx: &TenantTx,
        _ctx: &CallContext,
        event: ReservationOverdue,
        _delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        if let Some(key) = &event.request_key {
            key::hold(tx, key).await?;
        }
        if store::withdraw(tx, event.invitation, Withdrawal::Whatever).await? {
            if let Some(key) = &event.request_key {
                key::free(tx, key).await?;
            }
            release_seat(&self.0, tx, event.invitation).await?;
        }
        Ok(())
    }
}

/// Ends an invitation that nobody accepted, and gives its seat back.
pub(crate) struct ExpireInvitation(pub(crate) Store);

#[async_trait]
impl Effect<InvitationExpired> for ExpireInvitation {
    async fn apply(
        &self,
        tx: &TenantTx,
        _ctx: &CallContext,
        event: InvitationExpired,
        _delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let now = self.0.clock().now();
        let expired = store::find(tx, event.invitation).await?.and_then(|row| {
            let expired = Status::from(row.status).after(Step::Expire)?;
            Some(store::moved(row, expired, now))
        });
        let Some(expired) = expired else { return Ok(()) };
        tx.update(expired).await?;
        release_seat(&self.0, tx, event.invitation).await?;
        let line = audit::Line {
            actor: None,
            action: audit::Action::InvitationExpired,
            subject: Some(event.invitation.0),
        };
        Ok(audit::write(tx, line).await?)
    }
}

/// Gives a seat back to billing, as often as it takes.
pub(crate) struct ReleaseSeat {
    pub(crate) store: Store,
    pub(crate) billing: Arc<dyn BillingApi>,
}

/// After so many attempts in a row the release starts over later, so that a long outage of billing
/// parks no seat.
const ATTEMPTS: u32 = 5;
const LATER: std::time::Duration = std::time::Duration::from_secs(300);

#[async_trait]
impl Action<SeatReleaseDue> for ReleaseSeat {
    async fn perform(
        &self,
        ctx: &CallContext,
        event: SeatReleaseDue,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let request = SeatRequest { holder: holder(event.invitation) };
        match self.billing.release_seat(ctx, request).await {
            Ok(()) => Ok(()),
            Err(BillingError::Call(failure))
                if failure.is_retryable() && delivery.attempt >= ATTEMPTS =>
            {
                tracing::warn!(
                    invitation.id = %event.invitation,
                    error = &failure as &dyn std::error::Error,
                    "billing cannot be reached; the seat is released later"
                );
                let due = self.store.clock().now() + LATER;
                // By the delivery: should this run twice, the release is scheduled once.
                let key = format!("{}/release/{}", holder(event.invitation), delivery.id);
                let tx = self.store.write(ctx).await?;
                tx.schedule(due, &key, &event).await?;
                Ok(tx.commit().await?)
            }
            Err(BillingError::Call(failure)) => Err(failure.into()),
            Err(refusal) => Err(HandlerError::permanent(refusal)),
        }
    }
}

//! Asking again for a charge whose answer was not heard.

use std::time::Duration;

use billing_api::{ChargeOutcome, GatewayError};
use events::HandlerError;
use kernel::CallContext;
use sea_orm::ColumnTrait;
use storage::StoreError;
use uuid::Uuid;

use super::{ChargeState, charge, settle::Settled};
use crate::Billing;

/// What is kept of the engine's time for committing what the provider says.
const TIME_TO_SETTLE: Duration = Duration::from_secs(5);

/// What asking again has come to.
#[derive(Debug)]
pub(crate) enum Resolved {
    /// The charge is settled like this, now or before.
    Is(ChargeState),
    /// There is no such charge: its intent was undone, or never was.
    Gone,
    /// The provider still does not say. It may have been reached earlier, so that "unreachable" now
    /// says nothing about the money.
    StillUnknown(GatewayError),
}

impl Billing {
    /// Asks the provider for a charge that is open, under the same key as before, and settles it.
    ///
    /// # Errors
    /// The store's; [`HandlerError::Permanent`] where the provider contradicts itself or takes the
    /// request for a mistake, and a person has to look.
    pub(crate) async fn resolve(
        &self,
        ctx: &CallContext,
        charge: Uuid,
    ) -> Result<Resolved, HandlerError> {
        let charge = match self.charge(ctx, charge).await? {
            None => return Ok(Resolved::Gone),
            Some(charge) if charge.state != ChargeState::Pending => {
                return Ok(Resolved::Is(charge.state));
            }
            Some(charge) => charge,
        };
        let allowed = ctx.remaining().saturating_sub(TIME_TO_SETTLE).min(self.settings.charge_time);
        match self.ask(ctx, &charge, allowed).await {
            Ok(outcome) => match self.settle(ctx, charge.id, &outcome).await? {
                Settled::Now(_) | Settled::Before => Ok(Resolved::Is(state_after(&outcome))),
                Settled::Contradicted => {
                    Err(HandlerError::permanent("the provider contradicts what it said before"))
                }
            },
            Err(error @ (GatewayError::Unknown(_) | GatewayError::Unreachable(_))) => {
                Ok(Resolved::StillUnknown(error))
            }
            Err(error @ (GatewayError::Rejected(_) | GatewayError::KeyReused)) => {
                Err(HandlerError::permanent(error))
            }
        }
    }

    async fn charge(
        &self,
        ctx: &CallContext,
        id: Uuid,
    ) -> Result<Option<charge::Model>, StoreError> {
        let one = charge::Column::Id.eq(id);
        self.store.read(ctx)?.find::<charge::Entity>().filter(one).one().await
    }
}

const fn state_after(outcome: &ChargeOutcome) -> ChargeState {
    match outcome {
        ChargeOutcome::Paid(_) => ChargeState::Paid,
        ChargeOutcome::Declined(_) => ChargeState::Declined,
    }
}

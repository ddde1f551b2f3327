//! Looks after claims of idempotency keys that are long overdue.
//!
//! A claim is committed together with a charge and with the completer that is to look after it, so
//! that there is always one. This is for what should not be: a completer that was deleted, or data
//! that were brought back from a copy.

use std::time::Duration;

use billing_api::MODULE;
use kernel::{CallContext, CallId, Event, Principal, TenantId, Timestamp};
use sea_orm::{ColumnTrait, Condition};
use storage::{
    StoreError,
    tables::{idempotency_keys as keys, inbox},
};

use super::{
    begin::{self, ROUTE},
    completer::{ChargeUnsettled, CompleteCharge},
};
use crate::{Billing, accounts, scopes};

/// How often it looks.
pub(crate) const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How long after its lease a claim is left to the completer.
const LEFT_ALONE: Duration = Duration::from_secs(600);

/// How many claims are looked up at once.
const AT_ONCE: u64 = 100;

/// How long looking after one claim may take.
const ALLOWED: Duration = Duration::from_secs(10);

impl Billing {
    /// Sends a completer after every charge that has none, and frees the keys of requests that
    /// have left no charge.
    pub(crate) async fn look_after_claims(&self) -> Result<(), StoreError> {
        let before = self.store.clock().now() - LEFT_ALONE;
        let mut last = None;
        loop {
            let claims = self.overdue(before, last.as_ref()).await?;
            for claim in &claims {
                storage::retrying(|| self.look_after(claim, before)).await?;
            }
            last = claims.into_iter().nth(usize::try_from(AT_ONCE - 1).unwrap_or_default());
            if last.is_none() {
                return Ok(());
            }
        }
    }

    /// Some of the claims whose lease ended before a moment, the oldest first, after `last`.
    async fn overdue(
        &self,
        before: Timestamp,
        last: Option<&keys::Model>,
    ) -> Result<Vec<keys::Model>, StoreError> {
        let mut overdue = Condition::all()
            .add(keys::Column::Route.eq(ROUTE))
            .add(keys::Column::State.eq(keys::State::InFlight))
            .add(keys::Column::LeaseUntil.lt(before.to_offset_date_time()));
        if let Some(last) = last {
            let same = Condition::all()
                .add(keys::Column::LeaseUntil.eq(last.lease_until))
                .add(keys::Column::Key.gt(last.key.as_str()));
            let later = keys::Column::LeaseUntil.gt(last.lease_until);
            overdue = overdue.add(Condition::any().add(later).add(same));
        }
        self.store
            .system(&scopes::CLAIMS)
            .find::<keys::Entity>()
            .filter(overdue)
            .order_by_asc(keys::Column::LeaseUntil)
            .order_by_asc(keys::Column::Key)
            .limit(AT_ONCE)
            .all()
            .await
    }

    async fn look_after(&self, claim: &keys::Model, before: Timestamp) -> Result<(), StoreError> {
        let tenant = Principal::service_for(MODULE.name, TenantId(claim.tenant_id));
        let ctx = CallContext::new(tenant, CallId::random(), ALLOWED);
        let tx = self.store.write(&ctx).await?;
        accounts::lock(&tx).await?;
        let Some(charge) = begin::unsettled(&tx, &claim.key).await? else {
            // Unless somebody has renewed or answered it meanwhile.
            let freed = tx
                .delete_many::<keys::Entity>()
                .filter(keys::Column::Route.eq(ROUTE))
                .filter(keys::Column::Key.eq(claim.key.as_str()))
                .filter(keys::Column::State.eq(keys::State::InFlight))
                .filter(keys::Column::LeaseUntil.lt(before.to_offset_date_time()))
                .exec()
                .await?;
            if freed > 0 {
                tracing::warn!(tenant.id = %claim.tenant_id, "a claimed key without a charge is free");
            }
            return tx.commit().await;
        };
        // No transaction waits for a second connection.
        drop(tx);
        let completion = ChargeUnsettled::first(charge.id);
        if self.is_in_hand(&completion).await? {
            return Ok(());
        }
        let tx = self.store.write(&ctx).await?;
        let now = self.store.clock().now();
        // Where one waits already, that one stands.
        let sent = tx.schedule(now, &completion.schedule_key(), &completion).await?;
        if let storage::Scheduled::New(_) = sent {
            tracing::warn!(billing.charge = %charge.id, "a charge had lost its completer");
        }
        tx.commit().await
    }

    /// Whether the completer is at work on a charge, or was given up and is an operator's to look
    /// at.
    async fn is_in_hand(&self, completion: &ChargeUnsettled) -> Result<bool, StoreError> {
        self.store
            .system(&scopes::CLAIMS)
            .find::<inbox::Entity>()
            .filter(inbox::Column::Consumer.eq(CompleteCharge::NAME))
            .filter(inbox::Column::OrderingKey.eq(completion.aggregate().ordering_key()))
            .filter(inbox::Column::State.is_in([inbox::State::Pending, inbox::State::Dead]))
            .exists()
            .await
    }
}

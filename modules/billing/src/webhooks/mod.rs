//! What a payment provider tells of its own accord.
//!
//! A delivery is verified by the provider's adapter, stored once under the provider's id of the
//! event, and answered. What it tells is acted upon after that, by an event that billing sends
//! itself in the same commit: a process that is killed in between loses nothing.
//!
//! *Invariants*: nothing is stored that was not verified; an event is stored and acted upon once,
//! however often it is delivered. **An event says which charge to look at, and not what became of
//! it**: that the provider is asked, as the completer does, so that events that are late or out of
//! order do no harm. Of an event no more is kept than that: its body has personal data in it, and
//! the intent's own secret.

mod event;
pub(crate) mod http;
mod news;

use std::time::Duration;

use billing_api::{ChargeNews, VerifiedEvent};
use kernel::CallContext;
use sea_orm::{ActiveValue::Set, ColumnTrait};
use storage::StoreError;

use crate::{Billing, scopes, subscriptions::charge};

use event::State;
pub(crate) use news::ActOnNews;
use news::News;

/// How often it is looked for events that have had their time.
pub(crate) const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// How long an event is known to have come. Providers send one again for days at the most.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

impl Billing {
    /// Stores an event of `provider` where it is new, and sees to it that it is acted upon.
    pub(crate) async fn take_in(
        &self,
        ctx: &CallContext,
        provider: &str,
        event: &VerifiedEvent,
    ) -> Result<(), StoreError> {
        storage::retrying(|| self.try_to_take_in(ctx, provider, event)).await
    }

    async fn try_to_take_in(
        &self,
        ctx: &CallContext,
        provider: &str,
        event: &VerifiedEvent,
    ) -> Result<(), StoreError> {
        let now = self.store.clock().now();
        let VerifiedEvent { id, kind, occurred_at, charge } = event;
        let ours = charge.as_ref().and_then(|ChargeNews { key, tenant, change }| {
            Some((*tenant, charge::id_of(key)?, *change))
        });
        let state = if ours.is_some() { State::Received } else { State::Ignored };
        let row = event::ActiveModel {
            provider: Set(provider.to_owned()),
            event_id: Set(id.clone()),
            kind: Set(kind.clone()),
            state: Set(state),
            tenant_id: Set(ours.map(|(tenant, ..)| tenant.0)),
            charge_id: Set(ours.map(|(_, charge, _)| charge)),
            occurred_at: Set((*occurred_at).into()),
            received_at: Set(now.into()),
            processed_at: Set(None),
        };
        let tx = self.store.system_write(&scopes::WEBHOOKS).await?;
        let key = [event::Column::Provider, event::Column::EventId];
        let is_new = tx.insert_new(vec![row], &key).await? > 0;
        if let (true, Some((tenant, charge, change))) = (is_new, ours) {
            let news = News::new(provider, id, charge, change);
            tx.schedule(Some(tenant), ctx, now, &news.schedule_key(), &news).await?;
        }
        tx.commit().await
    }

    /// Forgets events that were done with long ago.
    pub(crate) async fn forget_webhooks(&self) -> Result<(), StoreError> {
        let before = self.store.clock().now() - KEPT;
        storage::retrying(|| async {
            let tx = self.store.system_write(&scopes::WEBHOOKS).await?;
            tx.delete_many::<event::Entity>()
                .filter(event::Column::ReceivedAt.lt(before.to_offset_date_time()))
                .filter(event::Column::State.is_in([State::Processed, State::Ignored]))
                .exec()
                .await?;
            tx.commit().await
        })
        .await
    }
}

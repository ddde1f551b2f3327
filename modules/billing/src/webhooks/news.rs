//! Acting on what a provider told of a charge.

use std::sync::Arc;

use async_trait::async_trait;
use billing_api::ChargeChange;
use events::{Action, Delivery, HandlerError};
use kernel::{Aggregate, CallContext, Event};
use sea_orm::{ColumnTrait, sea_query::Expr};
use serde::{Deserialize, Serialize};
use storage::StoreError;
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::{self, State};
use crate::{
    Billing, scopes,
    subscriptions::{ChargeState, Resolved},
};

/// A provider told of a charge. Told by billing to itself, and to nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct News {
    provider: String,
    event: String,
    charge: Uuid,
    change: Change,
}

/// [`ChargeChange`] as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Change {
    Paid,
    Failed,
    Refunded,
}

impl Event for News {
    const TYPE: &'static str = "billing.webhook_received";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        // Events of a provider have no order, and so no versions.
        Aggregate::new("charge", self.charge, 1)
    }
}

impl News {
    pub(super) fn new(provider: &str, event: &str, charge: Uuid, change: ChargeChange) -> Self {
        let change = match change {
            ChargeChange::Paid => Change::Paid,
            ChargeChange::Failed => Change::Failed,
            ChargeChange::Refunded => Change::Refunded,
        };
        Self { provider: provider.to_owned(), event: event.to_owned(), charge, change }
    }

    /// What its waiting row is known by.
    pub(super) fn schedule_key(&self) -> String {
        format!("webhook/{}/{}", self.provider, self.event)
    }
}

/// Resolves the charge, where it is still open.
pub(crate) struct ActOnNews(Arc<Billing>);

impl ActOnNews {
    pub(crate) const fn new(billing: Arc<Billing>) -> Self {
        Self(billing)
    }
}

#[async_trait]
impl Action<News> for ActOnNews {
    async fn perform(
        &self,
        ctx: &CallContext,
        news: News,
        _: &Delivery,
    ) -> Result<(), HandlerError> {
        let Self(billing) = self;
        match (billing.resolve(ctx, news.charge).await?, news.change) {
            (Resolved::StillUnknown(error), _) => Err(HandlerError::retry(error)),
            (
                Resolved::Gone | Resolved::Is(ChargeState::Declined),
                Change::Paid | Change::Refunded,
            ) => Err(HandlerError::permanent(
                "the provider took money for a charge that was declined or is not known here",
            )),
            // A failed attempt says nothing against one that went well.
            (Resolved::Gone | Resolved::Is(_), _) => {
                Ok(storage::retrying(|| processed(billing, &news)).await?)
            }
        }
    }
}

async fn processed(billing: &Billing, news: &News) -> Result<(), StoreError> {
    let now = billing.store.clock().now();
    let tx = billing.store.system_write(&scopes::WEBHOOKS).await?;
    tx.update_many::<event::Entity>()
        .set(event::Column::State, State::Processed)
        .set(event::Column::ProcessedAt, Expr::value(now.to_offset_date_time()))
        .filter(event::Column::Provider.eq(news.provider.as_str()))
        .filter(event::Column::EventId.eq(news.event.as_str()))
        .exec()
        .await?;
    tx.commit().await
}

//! The settlement: what the provider's answer does, in one transaction.

use billing_api::{ChargeOutcome, InvoicePaid, PaymentFailed, SubscriptionStarted};
use kernel::{CallContext, InvoiceId, SubscriptionId};
use sea_orm::{ActiveValue::Set, ColumnTrait};
use storage::{StoreError, TenantTx};
use uuid::Uuid;

use super::{
    Answer, Checkout, Settlement, SubscriptionView, begin::ROUTE, charge,
    completer::ChargeUnsettled, http::declined, subscription,
};
use crate::{Billing, accounts, invoices::invoice, metrics};

/// What became of an answer of the provider.
#[derive(Debug)]
pub(super) enum Settled {
    /// It took effect, and this is what the client is answered.
    Now(Answer),
    /// It had taken effect before.
    Before,
    /// It contradicts an earlier one, which stands.
    Contradicted,
}

impl Billing {
    /// Gives effect to what the provider said of `charge`; once, however often and by however many
    /// it is told.
    pub(super) async fn settle(
        &self,
        ctx: &CallContext,
        charge: Uuid,
        outcome: &ChargeOutcome,
    ) -> Result<Settled, StoreError> {
        storage::retrying(|| self.try_to_settle(ctx, charge, outcome)).await
    }

    async fn try_to_settle(
        &self,
        ctx: &CallContext,
        charge: Uuid,
        outcome: &ChargeOutcome,
    ) -> Result<Settled, StoreError> {
        let tx = self.store.write(ctx).await?;
        accounts::lock(&tx).await?;
        let charge = locked(&tx, charge).await?;
        let checkout = match charge.state.settle(outcome) {
            Settlement::Now(checkout) => checkout,
            Settlement::Before => return Ok(Settled::Before),
            Settlement::Contradicted => return Ok(Settled::Contradicted),
        };
        let answer = match outcome {
            ChargeOutcome::Paid(paid) => {
                change_charge(&tx, &charge, checkout, Set(Some(paid.reference.clone())), Set(None))
                    .await?;
                start(&tx, &charge, checkout).await?
            }
            ChargeOutcome::Declined(reason) => {
                let code = reason.code().to_owned();
                change_charge(&tx, &charge, checkout, Set(None), Set(Some(code.clone()))).await?;
                fail(&tx, &charge, checkout, code).await?
            }
        };
        // Whoever was to ask again need not.
        tx.cancel(&ChargeUnsettled::first(charge.id).schedule_key()).await?;
        remember(&tx, &charge, &answer).await?;
        tx.commit().await?;
        metrics::payment(outcome);
        Ok(Settled::Now(answer))
    }
}

/// Puts the subscription in force and issues its invoice.
async fn start(
    tx: &TenantTx,
    charge: &charge::Model,
    checkout: Checkout,
) -> Result<Answer, StoreError> {
    let now = tx.store().clock().now();
    let number = accounts::next_invoice_number(tx).await?;
    let invoice = tx
        .update(invoice::ActiveModel {
            tenant_id: Set(charge.tenant_id),
            id: Set(charge.invoice_id),
            status: Set(checkout.invoice),
            number: Set(Some(number.clone())),
            paid_at: Set(Some(now.into())),
            updated_at: Set(now.into()),
            ..Default::default()
        })
        .await?;
    let subscription = tx
        .update(subscription::ActiveModel {
            tenant_id: Set(charge.tenant_id),
            id: Set(charge.subscription_id),
            status: Set(checkout.subscription),
            current_period_start: Set(Some(invoice.period_start)),
            current_period_end: Set(Some(invoice.period_end)),
            version: Set(1),
            updated_at: Set(now.into()),
            ..Default::default()
        })
        .await?;
    tx.publish(&SubscriptionStarted {
        subscription: SubscriptionId(subscription.id),
        plan: subscription.plan_id.clone(),
        quantity: subscription.seats(),
    })
    .await?;
    tx.publish(&InvoicePaid {
        invoice: InvoiceId(invoice.id),
        number,
        total: invoice.currency.money(invoice.total),
    })
    .await?;
    let view = SubscriptionView::from(&subscription);
    let json = serde_json::to_value(view).map_err(|source| StoreError::Json {
        module: tx.store().module(),
        what: "a subscription",
        source,
    })?;
    Ok(Answer::Subscribed(json))
}

/// Ends the subscription before it began.
async fn fail(
    tx: &TenantTx,
    charge: &charge::Model,
    checkout: Checkout,
    code: String,
) -> Result<Answer, StoreError> {
    let now = tx.store().clock().now();
    tx.update(invoice::ActiveModel {
        tenant_id: Set(charge.tenant_id),
        id: Set(charge.invoice_id),
        status: Set(checkout.invoice),
        updated_at: Set(now.into()),
        ..Default::default()
    })
    .await?;
    tx.update(subscription::ActiveModel {
        tenant_id: Set(charge.tenant_id),
        id: Set(charge.subscription_id),
        status: Set(checkout.subscription),
        version: Set(1),
        updated_at: Set(now.into()),
        ..Default::default()
    })
    .await?;
    tx.publish(&PaymentFailed {
        subscription: SubscriptionId(charge.subscription_id),
        amount: charge.currency.money(charge.amount),
    })
    .await?;
    Ok(Answer::Declined(code))
}

async fn change_charge(
    tx: &TenantTx,
    charge: &charge::Model,
    checkout: Checkout,
    reference: sea_orm::ActiveValue<Option<String>>,
    decline_code: sea_orm::ActiveValue<Option<String>>,
) -> Result<(), StoreError> {
    tx.update(charge::ActiveModel {
        tenant_id: Set(charge.tenant_id),
        id: Set(charge.id),
        state: Set(checkout.charge),
        payment_method: Set(None),
        reference,
        decline_code,
        updated_at: Set(tx.store().clock().now().into()),
        ..Default::default()
    })
    .await?;
    Ok(())
}

/// Keeps the answer for those who repeat the request.
async fn remember(
    tx: &TenantTx,
    charge: &charge::Model,
    answer: &Answer,
) -> Result<(), StoreError> {
    let (status, body) = match answer {
        Answer::Subscribed(body) => (201, body.clone()),
        Answer::Declined(code) => {
            let problem = declined(code);
            (problem.status().as_u16(), problem.to_json())
        }
        Answer::Replayed { status, body } => (*status, body.clone()),
    };
    match tx.complete_key(ROUTE, &charge.request_key, status, &body).await {
        // The provider took longer than keys are kept: nobody can repeat the request any more.
        Err(StoreError::NotFound { .. }) => Ok(()),
        done => done,
    }
}

async fn locked(tx: &TenantTx, charge: Uuid) -> Result<charge::Model, StoreError> {
    let one = charge::Column::Id.eq(charge);
    let found = tx.find::<charge::Entity>().filter(one).lock().one().await?;
    found.ok_or(StoreError::NotFound { module: tx.store().module(), table: "charges" })
}

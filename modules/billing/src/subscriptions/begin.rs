//! The intent: everything but the money, in one transaction.

use kernel::{CallContext, Timestamp};
use sea_orm::{ActiveValue::Set, ColumnTrait};
use storage::{Claim, StoreError, TenantTx};
use web::RequestKey;

use super::{
    Answer, ChargeState, Checkout, Status, Subscribe, SubscribeError, charge,
    completer::ChargeUnsettled, customer, live, order::Order, subscription,
};
use crate::{
    Billing, accounts,
    currency::CurrencyCode,
    invoices::{invoice, line},
    period::Period,
    seats,
};

/// The route that the keys belong to.
pub(super) const ROUTE: &str = "POST /v1/billing/subscriptions";

/// Where a request to subscribe begins.
pub(super) enum Begun {
    /// The intent is committed, and nobody has asked the provider.
    New(charge::Model),
    /// An earlier request was cut off after its intent; the provider may have been asked.
    Resumed(charge::Model),
    /// The request was answered before.
    Answered(Answer),
}

/// What became of an attempt to undo an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    /// Nothing of it is left.
    Entirely,
    /// The completer has asked the provider meanwhile, and settled.
    TooLate,
}

impl Billing {
    /// Claims the key and commits the intent; or finds what became of it before.
    pub(super) async fn begin(
        &self,
        ctx: &CallContext,
        request: &Subscribe,
        key: &RequestKey,
    ) -> Result<Begun, SubscribeError> {
        let tx = self.store.write(ctx).await?;
        accounts::lock(&tx).await?;
        let RequestKey { key, body_hash } = key;
        match tx.claim_key(ROUTE, key, body_hash, self.cut_off_after()).await? {
            Claim::New => {}
            Claim::Resume => {
                if let Some(charge) = unsettled(&tx, key).await? {
                    tx.commit().await?;
                    return Ok(Begun::Resumed(charge));
                }
            }
            Claim::Replay { status, body } => {
                return Ok(Begun::Answered(Answer::Replayed { status, body }));
            }
            Claim::InFlight { retry_after } => {
                return Err(SubscribeError::InFlight { retry_after });
            }
            Claim::Mismatch => return Err(SubscribeError::KeyReused),
        }
        // A refusal from here on takes the claim with it: nothing is stored for it.
        let order = Order::new(&self.catalog, request)?;
        self.check_tenant(&tx, &order).await?;
        let customer = customer::at(tx.find(), self.gateway.provider()).one().await?;
        let customer = customer.map(|customer| customer.reference);
        let charge = insert(&tx, &order, customer, key).await?;
        let due = self.store.clock().now() + self.cut_off_after();
        let unsettled = ChargeUnsettled::first(charge.id);
        tx.schedule(due, &unsettled.schedule_key(), &unsettled).await?;
        tx.commit().await?;
        Ok(Begun::New(charge))
    }

    /// The stored answer to a request, if there is one.
    pub(super) async fn repeat(
        &self,
        ctx: &CallContext,
        key: &RequestKey,
    ) -> Result<Option<Answer>, StoreError> {
        // Rolled back: this only looks.
        let tx = self.store.write(ctx).await?;
        let claim = tx.claim_key(ROUTE, &key.key, &key.body_hash, self.cut_off_after()).await?;
        Ok(match claim {
            Claim::Replay { status, body } => Some(Answer::Replayed { status, body }),
            Claim::New | Claim::Resume | Claim::InFlight { .. } | Claim::Mismatch => None,
        })
    }

    /// Undoes an intent of which the provider certainly knows nothing, and frees its key.
    pub(super) async fn undo(
        &self,
        ctx: &CallContext,
        charge: &charge::Model,
    ) -> Result<Undone, StoreError> {
        let tx = self.store.write(ctx).await?;
        accounts::lock(&tx).await?;
        // Once the lease has run out, the completer or a repetition of the request may have asked
        // the provider too, and have been told that it is paid.
        let leased_until = Timestamp::new(charge.created_at) + self.cut_off_after();
        let completion = ChargeUnsettled::first(charge.id).schedule_key();
        if self.store.clock().now() >= leased_until || !tx.cancel(&completion).await? {
            return Ok(Undone::TooLate);
        }
        let pending = charge::Column::State.eq(ChargeState::Pending);
        let deleted = tx
            .delete_many::<charge::Entity>()
            .filter(charge::Column::Id.eq(charge.id))
            .filter(pending)
            .exec()
            .await?;
        if deleted == 0 {
            return Ok(Undone::TooLate);
        }
        let of_invoice = line::Column::InvoiceId.eq(charge.invoice_id);
        tx.delete_many::<line::Entity>().filter(of_invoice).exec().await?;
        let invoice = invoice::Column::Id.eq(charge.invoice_id);
        tx.delete_many::<invoice::Entity>().filter(invoice).exec().await?;
        let subscription = subscription::Column::Id.eq(charge.subscription_id);
        tx.delete_many::<subscription::Entity>().filter(subscription).exec().await?;
        tx.forget_key(ROUTE, &charge.request_key).await?;
        tx.commit().await?;
        Ok(Undone::Entirely)
    }

    /// One subscription at a time, and a seat for everybody who has one. The account is locked.
    async fn check_tenant(&self, tx: &TenantTx, order: &Order<'_>) -> Result<(), SubscribeError> {
        if let Some(live) = live(tx.find()).one().await? {
            return Err(match live.status {
                Status::Pending => {
                    SubscribeError::AlreadyBeginning { retry_after: self.cut_off_after() }
                }
                Status::Active | Status::Failed => SubscribeError::AlreadySubscribed,
            });
        }
        let used = seats::count(tx.find()).await?;
        if used > order.quantity {
            return Err(SubscribeError::SeatsTaken { used });
        }
        Ok(())
    }
}

/// The charge of the request under `request_key`, so long as nobody knows what became of it.
pub(super) async fn unsettled(
    tx: &TenantTx,
    request_key: &str,
) -> Result<Option<charge::Model>, StoreError> {
    tx.find::<charge::Entity>()
        .filter(charge::Column::RequestKey.eq(request_key))
        .filter(charge::Column::State.eq(ChargeState::Pending))
        .one()
        .await
}

/// Writes the subscription that waits to be paid for, its draft invoice, and the charge.
async fn insert(
    tx: &TenantTx,
    order: &Order<'_>,
    customer: Option<String>,
    request_key: &str,
) -> Result<charge::Model, SubscribeError> {
    let (ids, now) = (tx.store().ids(), tx.store().clock().now());
    let tenant_id = Set(tx.tenant().0);
    let (subscription_id, invoice_id) = (ids.next(), ids.next());
    let currency = Set(CurrencyCode(order.price.currency));
    let Checkout { subscription, invoice, charge } = Checkout::BEGUN;
    tx.insert(subscription::ActiveModel {
        tenant_id: tenant_id.clone(),
        id: Set(subscription_id),
        status: Set(subscription),
        plan_id: Set(order.plan.id.clone()),
        price_id: Set(order.price.id.clone()),
        currency: currency.clone(),
        unit_amount: Set(order.price.unit_amount),
        billing_interval: Set(order.price.interval),
        quantity: Set(i64::from(order.quantity)),
        current_period_start: Set(None),
        current_period_end: Set(None),
        version: Set(0),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
    })
    .await
    .map_err(already_subscribed)?;
    let period = Period::starting(now, order.price.interval);
    tx.insert(invoice::ActiveModel {
        tenant_id: tenant_id.clone(),
        id: Set(invoice_id),
        subscription_id: Set(subscription_id),
        number: Set(None),
        status: Set(invoice),
        currency: currency.clone(),
        total: Set(order.total.amount),
        period_start: Set(period.start.into()),
        period_end: Set(period.end.into()),
        paid_at: Set(None),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
    })
    .await?;
    tx.insert(line::ActiveModel {
        tenant_id: tenant_id.clone(),
        invoice_id: Set(invoice_id),
        position: Set(1),
        description: Set(order.description()),
        price_id: Set(order.price.id.clone()),
        quantity: Set(i64::from(order.quantity)),
        unit_amount: Set(order.price.unit_amount),
        amount: Set(order.total.amount),
    })
    .await?;
    let charge = charge::ActiveModel {
        tenant_id,
        id: Set(ids.next()),
        subscription_id: Set(subscription_id),
        invoice_id: Set(invoice_id),
        state: Set(charge),
        currency,
        amount: Set(order.total.amount),
        description: Set(order.description()),
        payment_method: Set(Some(order.payment_method.expose().to_owned())),
        customer: Set(customer),
        request_key: Set(request_key.to_owned()),
        reference: Set(None),
        decline_code: Set(None),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
    };
    Ok(tx.insert(charge).await?)
}

/// The schema keeps the rule too, should two requests pass the check at once.
fn already_subscribed(error: StoreError) -> SubscribeError {
    if error.is_unique_on("subscriptions", "tenant_id") {
        SubscribeError::AlreadySubscribed
    } else {
        error.into()
    }
}

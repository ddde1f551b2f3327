//! Subscribing: intent, charge, settlement.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use billing_api::{ChargeOutcome, ChargeRequest, GatewayError};
use kernel::CallContext;
use serde_json::Value;
use storage::StoreError;
use web::RequestKey;

use super::{
    Subscribe,
    begin::{Begun, Undone},
    charge,
    order::OrderError,
    settle::Settled,
};
use crate::{Billing, metrics};

/// How long after `charge_time` a request that has not been heard of counts as cut off. The lease
/// of its key and the completer's first attempt wait for it.
const GRACE: Duration = Duration::from_secs(5);

/// What is kept of a request's time for committing what the provider says.
const TIME_TO_SETTLE: Duration = Duration::from_secs(1);

/// What a client is answered. The first answer and its repetitions have the same body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The subscription is in force, as JSON.
    Subscribed(Value),
    /// The charge was declined, for the reason with this code.
    Declined(String),
    /// The request was answered before, like this.
    Replayed { status: u16, body: Value },
}

/// Why there is no answer, or none that is kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscribeError {
    #[error("the order is not possible")]
    Order(#[from] OrderError),
    #[error("{used} seats are taken")]
    SeatsTaken { used: u32 },
    #[error("the tenant has a subscription")]
    AlreadySubscribed,
    #[error("the tenant has a subscription that is being paid for")]
    AlreadyBeginning { retry_after: Duration },
    #[error("the key was used for another request")]
    KeyReused,
    #[error("the request under this key is still at work")]
    InFlight { retry_after: Duration },
    /// Nothing was done, and the key is free again.
    #[error("the payment provider took no order")]
    ProviderUnreachable(#[source] GatewayError),
    /// The charge may have been made; the completer will find out.
    #[error("whether the charge was made is unknown")]
    OutcomeUnknown {
        retry_after: Duration,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The provider broke its contract; a person has to look.
    #[error("the answer of the payment provider contradicts what is known of charge {charge}")]
    Contradicted { charge: uuid::Uuid },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether the provider may have been asked for a charge before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    ForTheFirstTime,
    PerhapsBefore,
}

impl Billing {
    /// Begins a subscription, once per key.
    pub(crate) async fn subscribe(
        &self,
        ctx: &CallContext,
        request: &Subscribe,
        key: &RequestKey,
    ) -> Result<Answer, SubscribeError> {
        let ended = self.check_out(ctx, request, key).await;
        metrics::checkout(&ended);
        ended
    }

    async fn check_out(
        &self,
        ctx: &CallContext,
        request: &Subscribe,
        key: &RequestKey,
    ) -> Result<Answer, SubscribeError> {
        let (charge, asked) = match storage::retrying(|| self.begin(ctx, request, key)).await? {
            Begun::New(charge) => (charge, Asked::ForTheFirstTime),
            Begun::Resumed(charge) => (charge, Asked::PerhapsBefore),
            Begun::Answered(answer) => return Ok(answer),
        };
        #[cfg(feature = "failpoints")]
        failpoints::reach("billing::intent_before_charge").await;
        let allowed = ctx.remaining().saturating_sub(TIME_TO_SETTLE).min(self.settings.charge_time);
        match self.ask(ctx, &charge, allowed).await {
            Ok(outcome) => self.settle_and_answer(ctx, &charge, outcome, key).await,
            Err(source @ (GatewayError::Unreachable(_) | GatewayError::Rejected(_)))
                if asked == Asked::ForTheFirstTime =>
            {
                let ctx = self.time_to_commit(ctx);
                match storage::retrying(|| self.undo(&ctx, &charge)).await {
                    Ok(Undone::Entirely) => Err(SubscribeError::ProviderUnreachable(source)),
                    Ok(Undone::TooLate) => Err(self.outcome_unknown(source)),
                    Err(source) => Err(self.outcome_unknown(source)),
                }
            }
            Err(source) => Err(self.outcome_unknown(source)),
        }
    }

    /// Asks the provider for `charge`, for the first time or again, in the name of its customer.
    pub(super) async fn ask(
        &self,
        ctx: &CallContext,
        charge: &charge::Model,
        allowed: Duration,
    ) -> Result<ChargeOutcome, GatewayError> {
        let began = Instant::now();
        let asked = async {
            let customer = self.customer_of(ctx, charge, allowed).await?;
            let left = allowed.saturating_sub(began.elapsed());
            self.ask_for(charge.request(customer, left)).await
        };
        // The adapter keeps to `allowed`; should one not, the client is answered all the same.
        let answer = match tokio::time::timeout(allowed + TIME_TO_SETTLE / 2, asked).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(GatewayError::Unknown(Box::new(elapsed))),
        };
        #[cfg(feature = "failpoints")]
        if answer.is_ok() {
            failpoints::reach("billing::charged_before_commit").await;
        }
        answer
    }

    async fn ask_for(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        #[cfg(feature = "failpoints")]
        let request = forgetful(request);
        self.gateway.charge(request).await
    }

    async fn settle_and_answer(
        &self,
        ctx: &CallContext,
        charge: &charge::Model,
        outcome: ChargeOutcome,
        key: &RequestKey,
    ) -> Result<Answer, SubscribeError> {
        let ctx = self.time_to_commit(ctx);
        match self.settle(&ctx, charge.id, &outcome).await {
            Ok(Settled::Now(answer)) => {
                #[cfg(feature = "failpoints")]
                failpoints::reach("billing::settled_before_answer").await;
                Ok(answer)
            }
            // The completer was faster, and has stored the answer.
            Ok(Settled::Before) => match storage::retrying(|| self.repeat(&ctx, key)).await {
                Ok(Some(answer)) => Ok(answer),
                Ok(None) => Err(SubscribeError::InFlight { retry_after: self.cut_off_after() }),
                Err(source) => Err(self.outcome_unknown(source)),
            },
            Ok(Settled::Contradicted) => Err(SubscribeError::Contradicted { charge: charge.id }),
            Err(source) => Err(self.outcome_unknown(source)),
        }
    }

    /// From the commit of the intent on, whatever fails leaves the completer a charge to find out
    /// about: no failure may say that nothing was done.
    fn outcome_unknown(&self, source: impl Error + Send + Sync + 'static) -> SubscribeError {
        let source = Box::new(source);
        SubscribeError::OutcomeUnknown { retry_after: self.cut_off_after(), source }
    }

    /// What was paid is recorded even where the client's time is up meanwhile.
    fn time_to_commit(&self, ctx: &CallContext) -> CallContext {
        CallContext::new(ctx.principal().clone(), ctx.call_id(), GRACE).with_trace(ctx.trace())
    }

    /// How long after its beginning a request counts as cut off.
    pub(super) fn cut_off_after(&self) -> Duration {
        self.settings.charge_time + GRACE
    }
}

/// A campaign checks that its ledger sees what comes of a key that is another at each asking.
#[cfg(feature = "failpoints")]
fn forgetful(mut request: ChargeRequest) -> ChargeRequest {
    if failpoints::is_on("billing::charge_key_forgets") {
        let key = format!("{}/{}", request.key.as_str(), uuid::Uuid::now_v7());
        request.key = kernel::CallKey::new(key);
    }
    request
}

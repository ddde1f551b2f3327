//! What is counted of those who pay.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use billing_api::ChargeOutcome;
use storage::StoreError;
use telemetry::metrics::{Asked, Counter, KeyValue, meter};

use crate::{
    Billing, scopes,
    subscriptions::{self, Answer, SubscribeError},
};

static CHECKOUTS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.billing.checkouts")
        .with_description(
            "Requests to subscribe; repetitions that were answered before are not counted",
        )
        .build()
});

static PAYMENTS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("ashlar.billing.payments")
        .with_description("Charges that the provider has decided about")
        .build()
});

const PAYING: Asked = Asked {
    name: "ashlar.billing.paying_tenants",
    unit: "{tenant}",
    description: "Tenants that have a subscription in force",
};

/// Tells that nobody came so far.
pub(crate) fn begin() {
    for outcome in CHECKOUT_OUTCOMES {
        CHECKOUTS.add(0, &[KeyValue::new("outcome", outcome)]);
    }
    for outcome in [PAID, DECLINED] {
        PAYMENTS.add(0, &[KeyValue::new("outcome", outcome)]);
    }
}

const SUBSCRIBED: &str = "subscribed";
const PAID: &str = "paid";
const DECLINED: &str = "declined";
const REFUSED: &str = "refused";
const UNREACHABLE: &str = "provider_unreachable";
const UNKNOWN: &str = "unknown";
const FAILED: &str = "failed";
const CHECKOUT_OUTCOMES: [&str; 6] = [SUBSCRIBED, DECLINED, REFUSED, UNREACHABLE, UNKNOWN, FAILED];

/// Counts how a request to subscribe ended.
pub(crate) fn checkout(ended: &Result<Answer, SubscribeError>) {
    let outcome = match ended {
        Ok(Answer::Replayed { .. }) => return,
        Ok(Answer::Subscribed(_)) => SUBSCRIBED,
        Ok(Answer::Declined(_)) => DECLINED,
        // What the client asked for was not possible.
        Err(
            SubscribeError::Order(_)
            | SubscribeError::SeatsTaken { .. }
            | SubscribeError::AlreadySubscribed
            | SubscribeError::AlreadyBeginning { .. }
            | SubscribeError::KeyReused
            | SubscribeError::InFlight { .. },
        ) => REFUSED,
        Err(SubscribeError::ProviderUnreachable(_)) => UNREACHABLE,
        Err(SubscribeError::OutcomeUnknown { .. }) => UNKNOWN,
        Err(SubscribeError::Contradicted { .. } | SubscribeError::Store(_)) => FAILED,
    };
    CHECKOUTS.add(1, &[KeyValue::new("outcome", outcome)]);
}

/// Counts a charge that is settled, once.
pub(crate) fn payment(outcome: &ChargeOutcome) {
    let outcome = match outcome {
        ChargeOutcome::Paid(_) => PAID,
        ChargeOutcome::Declined(_) => DECLINED,
    };
    PAYMENTS.add(1, &[KeyValue::new("outcome", outcome)]);
}

/// How often those who pay are counted.
pub(crate) const COUNT_EVERY: Duration = Duration::from_secs(30);

/// What is older than this is not told any more.
const STALE: Duration = Duration::from_secs(180);

/// How many tenants had a subscription in force when they were last counted.
#[derive(Debug, Default)]
pub(crate) struct PayingTenants(Mutex<Option<(Instant, u64)>>);

impl PayingTenants {
    /// Has the program's metrics tell it. All replicas see the same.
    pub(crate) fn told() -> Arc<Self> {
        let counted = Arc::new(Self::default());
        let told = Arc::downgrade(&counted);
        PAYING.gauge(move |observer| {
            let fresh = told.upgrade().and_then(|counted| counted.fresh());
            if let Some(number) = fresh {
                observer.observe(number as f64, &[]);
            }
        });
        counted
    }

    fn fresh(&self) -> Option<u64> {
        let counted = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.filter(|(at, _)| at.elapsed() < STALE).map(|(_, number)| number)
    }
}

impl Billing {
    /// Counts those who pay.
    pub(crate) async fn count_paying_tenants(
        &self,
        counted: &PayingTenants,
    ) -> Result<(), StoreError> {
        let all = self.store.system(&scopes::PAYING).find();
        let number = subscriptions::in_force(all).count().await?;
        *counted.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), number));
        Ok(())
    }
}

//! Providers that misbehave.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use billing_api::{
    ChargeOutcome, ChargeRequest, Customer, CustomerRequest, GatewayError, PaymentGateway,
    RefundOutcome, RefundRequest,
};
use sandbox::SandboxGateway;
use tokio::sync::{Notify, Semaphore};

/// Takes the money of the first charge, and keeps the answer to itself until it is told to speak.
pub(crate) struct WithholdsTheFirstAnswer {
    inner: SandboxGateway,
    withheld: AtomicBool,
    /// Told once the money is taken.
    pub(crate) taken: Notify,
    /// Tell it to have the answer.
    pub(crate) speak: Notify,
    answer: FirstAnswer,
}

/// What is said in the end of the first charge.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstAnswer {
    True,
    /// That the provider was never reached: what an adapter says that retries by itself and does
    /// not get through the second time.
    Denial,
}

impl WithholdsTheFirstAnswer {
    pub(crate) fn new(inner: SandboxGateway, answer: FirstAnswer) -> Self {
        let withheld = AtomicBool::new(false);
        Self { inner, withheld, taken: Notify::new(), speak: Notify::new(), answer }
    }
}

#[async_trait]
impl PaymentGateway for WithholdsTheFirstAnswer {
    fn provider(&self) -> &'static str {
        self.inner.provider()
    }

    async fn customer(&self, request: CustomerRequest) -> Result<Customer, GatewayError> {
        self.inner.customer(request).await
    }

    async fn refund(&self, request: RefundRequest) -> Result<RefundOutcome, GatewayError> {
        self.inner.refund(request).await
    }

    async fn charge(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        let outcome = self.inner.charge(request).await;
        if !self.withheld.swap(true, Ordering::SeqCst) {
            self.taken.notify_one();
            self.speak.notified().await;
            if self.answer == FirstAnswer::Denial {
                return Err(GatewayError::Unreachable("denied".into()));
            }
        }
        outcome
    }
}

/// Answers when it is let.
pub(crate) struct Gated {
    inner: SandboxGateway,
    /// Told when a charge arrives.
    pub(crate) arrived: Notify,
    /// Each permit lets a charge pass.
    pub(crate) gate: Semaphore,
}

impl Gated {
    pub(crate) fn new(inner: SandboxGateway) -> Self {
        Self { inner, arrived: Notify::new(), gate: Semaphore::new(0) }
    }
}

#[async_trait]
impl PaymentGateway for Gated {
    fn provider(&self) -> &'static str {
        self.inner.provider()
    }

    async fn customer(&self, request: CustomerRequest) -> Result<Customer, GatewayError> {
        self.inner.customer(request).await
    }

    async fn refund(&self, request: RefundRequest) -> Result<RefundOutcome, GatewayError> {
        self.inner.refund(request).await
    }

    async fn charge(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        self.arrived.notify_one();
        self.gate.acquire().await.expect("the gate stays").forget();
        self.inner.charge(request).await
    }
}

/// What a provider is to do with a charge.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    /// Not be reached.
    Away,
    /// Say nothing of use.
    Mute,
    /// Say that the key is another charge's.
    Confused,
}

/// Has moods, one for each charge, and is well when they are over.
pub(crate) struct Moody {
    inner: SandboxGateway,
    moods: Mutex<VecDeque<Mood>>,
}

impl Moody {
    pub(crate) fn new(inner: SandboxGateway, moods: impl IntoIterator<Item = Mood>) -> Self {
        Self { inner, moods: Mutex::new(moods.into_iter().collect()) }
    }
}

#[async_trait]
impl PaymentGateway for Moody {
    fn provider(&self) -> &'static str {
        self.inner.provider()
    }

    async fn customer(&self, request: CustomerRequest) -> Result<Customer, GatewayError> {
        self.inner.customer(request).await
    }

    async fn refund(&self, request: RefundRequest) -> Result<RefundOutcome, GatewayError> {
        self.inner.refund(request).await
    }

    async fn charge(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        let mood = self.moods.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match mood {
            Some(Mood::Away) => Err(GatewayError::Unreachable("away".into())),
            Some(Mood::Mute) => Err(GatewayError::Unknown("mute".into())),
            Some(Mood::Confused) => Err(GatewayError::KeyReused),
            None => self.inner.charge(request).await,
        }
    }
}

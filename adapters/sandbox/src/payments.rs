//! Payments without a provider.

use std::path::PathBuf;

use async_trait::async_trait;
use billing_api::{
    Charge, ChargeOutcome, ChargeRequest, DeclineReason, GatewayError, PaymentGateway,
};
use kernel::{Clock, Money, SystemClock, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::records::{Records, SandboxError, Written, blocking, digest};

/// Takes the test names of a well-known provider
/// (<https://docs.stripe.com/testing?testing-method=payment-methods>), and two of its own:
///
/// | payment method | outcome |
/// |---|---|
/// | `pm_card_visa`, `pm_card_visa_debit`, `pm_card_mastercard`, `pm_card_amex` | paid |
/// | `pm_card_visa_chargeDeclined` | declined, `card_declined` |
/// | `pm_card_visa_chargeDeclinedInsufficientFunds` | declined, `insufficient_funds` |
/// | `pm_card_visa_chargeDeclinedExpiredCard` | declined, `expired_card` |
/// | `pm_sandbox_hangs` | takes the money, then answers nothing until `allowed` is over: [`GatewayError::Unknown`]. Asked again under the same key: paid |
/// | `pm_sandbox_unreachable` | [`GatewayError::Unreachable`]; no money moves |
/// | any other | declined, `unknown_payment_method` |
#[derive(Clone, Debug)]
pub struct SandboxGateway {
    charges: Records,
}

impl SandboxGateway {
    /// Keeps its charges in `directory`, which is made where it is missing.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, SandboxError> {
        Ok(Self { charges: Records::open(directory.into())? })
    }

    /// Every charge that was asked for, oldest first, declined ones included. Blocks
    /// on files: an async caller runs it where that is allowed.
    ///
    /// # Errors
    /// The directory cannot be read, or holds something else.
    pub fn charges(&self) -> Result<Vec<ChargeRecord>, SandboxError> {
        let mut charges: Vec<ChargeRecord> = self.charges.read_all()?;
        charges.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
        Ok(charges)
    }
}

/// A charge as the sandbox remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeRecord {
    /// What the charge was made once for.
    pub key: String,
    /// Who paid.
    pub tenant: TenantId,
    /// How much.
    pub amount: Money,
    /// What the statement says.
    pub description: String,
    /// The id of the charge; absent where it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Why it was declined ([`DeclineReason::code`]); absent where it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<String>,
    /// When it was asked for first.
    pub at: Timestamp,
    /// Tells another charge under the same key. A hash, so that no payment method is kept.
    fingerprint: String,
}

#[async_trait]
impl PaymentGateway for SandboxGateway {
    async fn charge(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        let (records, key) = (self.charges.clone(), request.key.as_str().to_owned());
        // Nothing is known about what happened to a record that cannot be read or written.
        let earlier = blocking(move || records.read::<ChargeRecord>(&key)).await;
        if let Some(earlier) = earlier.map_err(unknown)? {
            return recall(earlier, &request);
        }
        let behaviour = Behaviour::of(request.payment_method.expose());
        if behaviour == Behaviour::Unreachable {
            return Err(GatewayError::Unreachable("the sandbox was told to be down".into()));
        }
        let (records, record) = (self.charges.clone(), ChargeRecord::new(&request, behaviour));
        let outcome = record.outcome();
        let written = blocking(move || records.write(&record.key, &record)).await;
        match written.map_err(unknown)? {
            Written::Before(earlier) => recall(earlier, &request),
            Written::New if behaviour == Behaviour::Hangs => {
                tokio::time::sleep(request.allowed).await;
                Err(GatewayError::Unknown("the sandbox was told to hang".into()))
            }
            Written::New => Ok(outcome),
        }
    }
}

/// What a payment method's name asks the sandbox to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Pays,
    Declines(DeclineReason),
    Hangs,
    Unreachable,
}

impl Behaviour {
    fn of(payment_method: &str) -> Self {
        match payment_method {
            "pm_card_visa" | "pm_card_visa_debit" | "pm_card_mastercard" | "pm_card_amex" => {
                Self::Pays
            }
            "pm_card_visa_chargeDeclined" => Self::Declines(DeclineReason::Generic),
            "pm_card_visa_chargeDeclinedInsufficientFunds" => {
                Self::Declines(DeclineReason::InsufficientFunds)
            }
            "pm_card_visa_chargeDeclinedExpiredCard" => Self::Declines(DeclineReason::ExpiredCard),
            "pm_sandbox_hangs" => Self::Hangs,
            "pm_sandbox_unreachable" => Self::Unreachable,
            _ => Self::Declines(DeclineReason::UnknownPaymentMethod),
        }
    }
}

impl ChargeRecord {
    fn new(request: &ChargeRequest, behaviour: Behaviour) -> Self {
        let decline_code = match behaviour {
            Behaviour::Declines(reason) => Some(reason.code().to_owned()),
            Behaviour::Pays | Behaviour::Hangs | Behaviour::Unreachable => None,
        };
        let reference =
            decline_code.is_none().then(|| format!("ch_sandbox_{}", Uuid::now_v7().simple()));
        Self {
            key: request.key.as_str().to_owned(),
            tenant: request.tenant,
            amount: request.amount,
            description: request.description.clone(),
            reference,
            decline_code,
            at: SystemClock.now(),
            fingerprint: fingerprint(request),
        }
    }

    fn outcome(&self) -> ChargeOutcome {
        match (&self.reference, self.decline_code.as_deref()) {
            (Some(reference), _) => ChargeOutcome::Paid(Charge { reference: reference.clone() }),
            (None, code) => ChargeOutcome::Declined(reason(code)),
        }
    }
}

/// The outcome of a charge that was made before, if it is the same charge.
fn recall(earlier: ChargeRecord, request: &ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
    if earlier.fingerprint == fingerprint(request) {
        Ok(earlier.outcome())
    } else {
        Err(GatewayError::KeyReused)
    }
}

/// `allowed` is left out: how long the caller waits does not make it another charge.
fn fingerprint(request: &ChargeRequest) -> String {
    let ChargeRequest { key: _, tenant, amount, payment_method, description, allowed: _ } = request;
    let Money { amount, currency } = amount;
    let method = digest(payment_method.expose());
    digest(&format!("{tenant}\n{amount}\n{currency}\n{method}\n{description}"))
}

fn reason(code: Option<&str>) -> DeclineReason {
    [
        DeclineReason::InsufficientFunds,
        DeclineReason::ExpiredCard,
        DeclineReason::UnknownPaymentMethod,
    ]
    .into_iter()
    .find(|reason| Some(reason.code()) == code)
    .unwrap_or(DeclineReason::Generic)
}

fn unknown(error: SandboxError) -> GatewayError {
    GatewayError::Unknown(Box::new(error))
}

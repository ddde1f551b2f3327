//! Payments without a provider.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use billing_api::{
    Charge, ChargeOutcome, ChargeRequest, Customer, CustomerRequest, DeclineReason, GatewayError,
    PaymentGateway, RefundOutcome, RefundRequest,
};
use kernel::{Clock, Money, SystemClock, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    records::{Records, SandboxError, Written, blocking, digest, io_error},
    refunds::{self, RefundRecord},
};

/// Takes the test names of a well-known provider
/// (<https://docs.stripe.com/testing?testing-method=payment-methods>), and two of its own:
///
/// | payment method | outcome |
/// |---|---|
/// | `pm_card_visa`, `pm_card_visa_debit`, `pm_card_mastercard`, `pm_card_amex` | paid |
/// | `pm_card_visa_chargeDeclined` | declined, `card_declined` |
/// | `pm_card_visa_chargeDeclinedInsufficientFunds` | declined, `insufficient_funds` |
/// | `pm_card_visa_chargeDeclinedExpiredCard` | declined, `expired_card` |
/// | `pm_card_authenticationRequired` | declined, `authentication_required` |
/// | `pm_sandbox_hangs` | takes the money, then answers nothing until `allowed` is over: [`GatewayError::Unknown`]. Asked again under the same key: paid |
/// | `pm_sandbox_unreachable` | [`GatewayError::Unreachable`], and no money moves, until [`SandboxGateway::come_back`] |
/// | any other | declined, `unknown_payment_method` |
///
/// A tenant's customer is named after the tenant, so that there is nothing to remember. Refunds of
/// one charge take turns within a process; those of two processes at once may give back too much.
#[derive(Clone, Debug)]
pub struct SandboxGateway {
    charges: Records,
    directory: PathBuf,
    refunding: Arc<Mutex<()>>,
}

impl SandboxGateway {
    /// Keeps its charges in `directory`, which is made where it is missing.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, SandboxError> {
        let directory = directory.into();
        let charges = Records::open(directory.clone())?;
        Ok(Self { charges, directory, refunding: Arc::default() })
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

    /// Every refund that was asked for, oldest first, refused ones included. Blocks on files.
    ///
    /// # Errors
    /// As [`SandboxGateway::charges`].
    pub fn refunds(&self) -> Result<Vec<RefundRecord>, SandboxError> {
        let mut refunds: Vec<RefundRecord> = Records::at(self.refund_directory()).read_all()?;
        refunds.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
        Ok(refunds)
    }

    /// Has `pm_sandbox_unreachable` pay from now on, in every process that shares the directory, as
    /// after an outage of a provider. Blocks on files.
    ///
    /// # Errors
    /// The directory cannot be written to.
    pub fn come_back(&self) -> Result<(), SandboxError> {
        let path = self.came_back();
        std::fs::write(&path, []).map_err(io_error(&path))
    }

    fn came_back(&self) -> PathBuf {
        self.directory.join("came-back")
    }

    fn refund_directory(&self) -> PathBuf {
        self.directory.join("refunds")
    }
}

/// A charge as the sandbox remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeRecord {
    /// What the charge was made once for.
    pub key: String,
    /// Who paid.
    pub tenant: TenantId,
    /// Who paid, by the name that the sandbox gave them; absent where the charge named nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
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

impl SandboxGateway {
    async fn has_come_back(&self) -> Result<bool, GatewayError> {
        let path = self.came_back();
        blocking(move || path.try_exists().map_err(io_error(&path))).await.map_err(unknown)
    }
}

#[async_trait]
impl PaymentGateway for SandboxGateway {
    fn provider(&self) -> &'static str {
        "sandbox"
    }

    async fn customer(&self, request: CustomerRequest) -> Result<Customer, GatewayError> {
        Ok(Customer { reference: format!("cus_sandbox_{}", request.tenant.0.simple()) })
    }

    async fn charge(&self, request: ChargeRequest) -> Result<ChargeOutcome, GatewayError> {
        let (records, key) = (self.charges.clone(), request.key.as_str().to_owned());
        // Nothing is known about what happened to a record that cannot be read or written.
        let earlier = blocking(move || records.read::<ChargeRecord>(&key)).await;
        if let Some(earlier) = earlier.map_err(unknown)? {
            return recall(earlier, &request);
        }
        let behaviour = Behaviour::of(request.payment_method.expose());
        if behaviour == Behaviour::Unreachable && !self.has_come_back().await? {
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

    async fn refund(&self, request: RefundRequest) -> Result<RefundOutcome, GatewayError> {
        let (charges, refunds) = (self.charges.clone(), self.refund_directory());
        let refunding = Arc::clone(&self.refunding);
        let refund = blocking(move || {
            let _turn = refunding.lock().unwrap_or_else(PoisonError::into_inner);
            let refunds = Records::open(refunds)?;
            Ok(refunds::refund(&charges, &refunds, &request))
        });
        refund.await.map_err(unknown)?
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
            "pm_card_authenticationRequired" => {
                Self::Declines(DeclineReason::AuthenticationRequired)
            }
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
            customer: request.customer.as_ref().map(|customer| customer.reference.clone()),
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

/// How long the caller waits does not make it another charge, nor does a customer: records from
/// before there were customers have none.
fn fingerprint(request: &ChargeRequest) -> String {
    let ChargeRequest { tenant, amount, payment_method, description, .. } = request;
    let Money { amount, currency } = amount;
    let method = digest(payment_method.expose());
    digest(&format!("{tenant}\n{amount}\n{currency}\n{method}\n{description}"))
}

fn reason(code: Option<&str>) -> DeclineReason {
    [
        DeclineReason::InsufficientFunds,
        DeclineReason::ExpiredCard,
        DeclineReason::UnknownPaymentMethod,
        DeclineReason::AuthenticationRequired,
    ]
    .into_iter()
    .find(|reason| Some(reason.code()) == code)
    .unwrap_or(DeclineReason::Generic)
}

fn unknown(error: SandboxError) -> GatewayError {
    GatewayError::Unknown(Box::new(error))
}

//! Money that goes back, without a provider.

use billing_api::{GatewayError, Refund, RefundOutcome, RefundRefusal, RefundRequest};
use kernel::{Clock, Money, SystemClock, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    payments::ChargeRecord,
    records::{Records, SandboxError, Written, digest},
};

/// A refund as the sandbox remembers it, a refused one included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRecord {
    /// What the refund was made once for.
    pub key: String,
    /// The charge that it was taken from.
    pub charge: String,
    /// How much.
    pub amount: Money,
    /// The id of the refund; absent where it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// When it was asked for first.
    pub at: Timestamp,
    /// Tells another refund under the same key.
    fingerprint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
}

/// [`RefundRefusal`] as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Refusal {
    UnknownCharge,
    MoreThanLeft,
}

/// Makes the refund, or recalls it. What is left of a charge is looked up before it is taken, so
/// that refunds of one charge take turns: within a process the caller sees to that.
pub(crate) fn refund(
    charges: &Records,
    refunds: &Records,
    request: &RefundRequest,
) -> Result<RefundOutcome, GatewayError> {
    let key = request.key.as_str();
    if let Some(earlier) = refunds.read::<RefundRecord>(key).map_err(unknown)? {
        return recall(&earlier, request);
    }
    let refusal = refusal(charges, refunds, request).map_err(unknown)?;
    let record = RefundRecord {
        key: key.to_owned(),
        charge: request.charge.clone(),
        amount: request.amount,
        reference: refusal.is_none().then(|| format!("re_sandbox_{}", Uuid::now_v7().simple())),
        at: SystemClock.now(),
        fingerprint: fingerprint(request),
        refusal,
    };
    match refunds.write(key, &record).map_err(unknown)? {
        Written::Before(earlier) => recall(&earlier, request),
        Written::New => Ok(record.outcome()),
    }
}

fn refusal(
    charges: &Records,
    refunds: &Records,
    request: &RefundRequest,
) -> Result<Option<Refusal>, SandboxError> {
    let taken = charges
        .read_all::<ChargeRecord>()?
        .into_iter()
        .find(|charge| charge.reference.as_deref() == Some(request.charge.as_str()));
    let Some(taken) = taken else { return Ok(Some(Refusal::UnknownCharge)) };
    let given_back: i64 = refunds
        .read_all::<RefundRecord>()?
        .iter()
        .filter(|refund| refund.charge == request.charge && refund.reference.is_some())
        .map(|refund| refund.amount.amount)
        .sum();
    let fits = request.amount.currency == taken.amount.currency
        && request.amount.amount <= taken.amount.amount - given_back;
    Ok((!fits).then_some(Refusal::MoreThanLeft))
}

impl RefundRecord {
    fn outcome(&self) -> RefundOutcome {
        match (&self.reference, self.refusal) {
            (Some(reference), _) => {
                RefundOutcome::Refunded(Refund { reference: reference.clone() })
            }
            (None, Some(Refusal::UnknownCharge)) => {
                RefundOutcome::Refused(RefundRefusal::UnknownCharge)
            }
            (None, Some(Refusal::MoreThanLeft)) => {
                RefundOutcome::Refused(RefundRefusal::MoreThanLeft)
            }
            (None, None) => RefundOutcome::Refused(RefundRefusal::Failed),
        }
    }
}

/// The outcome of a refund that was made before, if it is the same refund.
fn recall(earlier: &RefundRecord, request: &RefundRequest) -> Result<RefundOutcome, GatewayError> {
    if earlier.fingerprint == fingerprint(request) {
        Ok(earlier.outcome())
    } else {
        Err(GatewayError::KeyReused)
    }
}

fn fingerprint(request: &RefundRequest) -> String {
    let RefundRequest { key: _, charge, amount, begun_at: _, allowed: _ } = request;
    digest(&format!("{charge}\n{}\n{}", amount.amount, amount.currency))
}

fn unknown(error: SandboxError) -> GatewayError {
    GatewayError::Unknown(Box::new(error))
}

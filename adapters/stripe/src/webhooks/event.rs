//! What an event tells (<https://docs.stripe.com/api/events/object>).

use std::collections::BTreeMap;

use billing_api::{ChargeChange, ChargeNews, VerifiedEvent};
use kernel::{CallKey, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::form::{OPERATION, TENANT};

/// Why a body that Stripe has signed is no event.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoEvent {
    #[error("it is not JSON, or something that every event has is missing")]
    Json(#[from] serde_json::Error),
    #[error("its id or type is empty or too long")]
    Length,
    #[error("it is of no time")]
    Time(#[from] time::error::ComponentRange),
}

#[derive(Deserialize)]
struct Event {
    id: String,
    r#type: String,
    created: i64,
    /// Missing in events that only name what they are about.
    #[serde(default)]
    data: Value,
}

pub(super) fn read(body: &[u8]) -> Result<VerifiedEvent, NoEvent> {
    let Event { id, r#type: kind, created, data } = serde_json::from_slice(body)?;
    if [&id, &kind].iter().any(|text| !(1..=255).contains(&text.chars().count())) {
        return Err(NoEvent::Length);
    }
    let occurred_at = Timestamp::new(OffsetDateTime::from_unix_timestamp(created)?);
    let charge = change(&kind).and_then(|change| news(change, &data));
    Ok(VerifiedEvent { id, kind, occurred_at, charge })
}

fn change(kind: &str) -> Option<ChargeChange> {
    match kind {
        "payment_intent.succeeded" => Some(ChargeChange::Paid),
        "payment_intent.payment_failed" => Some(ChargeChange::Failed),
        "charge.refunded" => Some(ChargeChange::Refunded),
        _ => None,
    }
}

/// Of a payment intent, or of a charge, which has its intent's metadata. An intent that was not made
/// by us, in an account that others use too, has none of ours.
fn news(change: ChargeChange, data: &Value) -> Option<ChargeNews> {
    let metadata =
        BTreeMap::<String, String>::deserialize(data.pointer("/object/metadata")?).ok()?;
    let key = CallKey::new(metadata.get(OPERATION)?.as_str());
    let tenant = metadata.get(TENANT)?.parse().ok()?;
    Some(ChargeNews { key, tenant, change })
}

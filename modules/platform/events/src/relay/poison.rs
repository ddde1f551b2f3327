//! What a campaign puts ahead of good events: one that the receiver can only park.

use kernel::{Envelope, EventId};

/// No build knows it.
const UNHEARD_OF: u32 = 999;

/// `envelopes` behind a poisonous one under the first one's ordering key, where the switch is on:
/// `version` is of a version that nobody knows, `payload` has a payload of another shape.
pub(super) fn ahead_of(mut envelopes: Vec<Envelope>) -> Vec<Envelope> {
    let Some(first) = envelopes.first() else { return envelopes };
    let Some(kind) = failpoints::setting("events::poison_ahead") else { return envelopes };
    let mut poison = first.clone();
    poison.id = EventId(uuid::Uuid::new_v5(&first.id.0, b"poison"));
    match kind.as_str() {
        "payload" => poison.payload = serde_json::json!({ "poison": true }),
        _ => poison.version = UNHEARD_OF,
    }
    envelopes.insert(0, poison);
    envelopes
}

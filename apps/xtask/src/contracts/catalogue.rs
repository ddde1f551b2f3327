//! All that crosses a seam: every port and every event, one a line. A test of `check` compares the
//! lists with what the `*-api` crates declare, so that none is forgotten.

use auth_api::AuthApi;
use billing_api::BillingApi;
use kernel::Event;
use notifications_api::NotificationsApi;
use seam::{EventInbox, Port};
use serde_json::{Value, json};

/// The schemas of all ports.
pub(super) const PORTS: &[fn() -> Value] = &[
    <dyn AuthApi as Port>::schema,
    <dyn BillingApi as Port>::schema,
    <dyn EventInbox as Port>::schema,
    <dyn NotificationsApi as Port>::schema,
];

/// The schemas of all events.
pub(super) const EVENTS: &[fn() -> Value] = &[
    event::<auth_api::InvitationCreated>,
    event::<auth_api::MemberJoined>,
    event::<auth_api::TenantCreated>,
    event::<auth_api::VerificationRequested>,
    event::<billing_api::InvoicePaid>,
    event::<billing_api::PaymentFailed>,
    event::<billing_api::SubscriptionStarted>,
];

/// Contracts that were retired on purpose, by their files below `docs/contracts`: no program that
/// speaks them runs any more, and no event of theirs waits in a table.
pub(super) const RETIRED: &[&str] = &[];

fn event<E: Event>() -> Value {
    let mut nested = Vec::new();
    E::schemas(&mut nested);
    let schemas: serde_json::Map<String, Value> =
        nested.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    json!({
        "event": E::TYPE,
        "version": E::VERSION,
        "name": E::name(),
        "payload": E::schema(),
        "schemas": schemas,
    })
}

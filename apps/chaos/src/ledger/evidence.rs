//! What was found when the system was quiet. Ids are 32 hexadecimal digits, as neither engine
//! writes them, so that they compare.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Whether the system came to rest within its time.
    pub came_to_rest: bool,
    /// Messages that lie in the broker, to be taken.
    #[serde(default)]
    pub in_broker: u32,
    /// Messages that the broker has set aside.
    #[serde(default)]
    pub dead_in_broker: u32,
    /// What the public API told each owner, by the organisation's number.
    pub told: BTreeMap<u64, Told>,
    /// The payment sandbox's own record.
    pub charges: Vec<Charge>,
    /// The mailbox.
    pub mails: Vec<Mail>,
    /// Auth's store.
    pub auth: AuthStore,
    /// Billing's store.
    pub billing: BillingStore,
    /// Notifications' store.
    pub notifications: NotificationsStore,
    /// What every module has, by the module.
    pub platform: BTreeMap<String, Platform>,
}

/// What the public API told an owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The id of the subscription in force.
    pub subscription: Option<String>,
    /// The invoices.
    pub invoices: Vec<Invoice>,
    /// Seats in use.
    pub seats_used: u32,
    /// Seats that there are.
    pub seats_limit: u32,
    /// Units of all meters in all months.
    pub usage: i64,
    /// Invitations: address and status.
    pub invitations: Vec<(String, String)>,
    /// What the inbox in the app holds, by kind.
    pub notices: Vec<String>,
}

/// An invoice as the API tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Its number.
    pub number: String,
    /// Its status.
    pub status: String,
    /// Minor units.
    pub total: i64,
    /// The sum of its lines.
    pub of_lines: i64,
}

/// A charge that the payment sandbox was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// What it was made once for.
    pub key: String,
    /// Who was to pay.
    pub tenant: String,
    /// Minor units.
    pub amount: i64,
    /// The sandbox's id of it, where it was paid.
    pub reference: Option<String>,
}

/// A mail that was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// To whom.
    pub to: String,
    /// About what.
    pub subject: String,
}

/// What is auth's alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthStore {
    /// Everybody, once for each organisation that they belong to.
    pub people: Vec<Person>,
    /// All invitations.
    pub invitations: Vec<Invitation>,
}

/// Somebody in an organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their id.
    pub user: String,
    /// Their address.
    pub email: String,
    /// Whether the address is verified.
    pub verified: bool,
    /// The organisation.
    pub tenant: String,
    /// What they are there.
    pub role: String,
}

/// An invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// The organisation.
    pub tenant: String,
    /// Whom.
    pub email: String,
    /// Where it stands.
    pub status: String,
}

/// What is billing's alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingStore {
    /// All subscriptions: id, organisation, status.
    pub subscriptions: Vec<Row>,
    /// All charges: id, organisation, state.
    pub charges: Vec<Row>,
    /// Seats that are taken: holder, organisation.
    pub seats: Vec<Row>,
}

/// What is notifications' alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationsStore {
    /// All mails: id, organisation, state.
    pub mails: Vec<Row>,
}

/// A row of a module's own table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What names it.
    pub name: String,
    /// The organisation.
    pub tenant: String,
    /// Where it stands.
    pub state: String,
}

/// What every module has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The outbox.
    pub outbox: Vec<Outgoing>,
    /// The inbox.
    pub inbox: Vec<Incoming>,
    /// Keys of the public API that are claimed and not answered: `route key`.
    pub keys_in_flight: Vec<String>,
    /// Calls that were begun and have no outcome: `method key`.
    pub calls_without_outcome: Vec<String>,
}

/// An event on its way out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The event.
    pub event: String,
    /// The module that is to hear of it.
    pub destination: String,
    /// Whether it was taken.
    pub sent: bool,
}

/// An event for a consumer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// The event.
    pub event: String,
    /// The consumer.
    pub consumer: String,
    /// `pending`, `done` or `dead`.
    pub state: String,
}

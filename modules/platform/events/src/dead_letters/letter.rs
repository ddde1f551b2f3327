//! Dead letters as operators see them.

use std::{fmt, str::FromStr};

use kernel::{Aggregate, Envelope, EventId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use storage::tables::inbox::Model;

use crate::history::{self, Entry};

/// Which dead letters to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterQuery {
    /// Those of one consumer; of all where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// How many: 1 to 100, and 20 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; the first page where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<DeadLetterId>,
}

/// A page of dead letters, the newest events first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterPage {
    /// The dead letters.
    pub items: Vec<DeadLetter>,
    /// Pass it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<DeadLetterId>,
}

/// Names a dead letter: `<event id>/<consumer>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeadLetterId {
    /// The event.
    pub event: EventId,
    /// Who could not handle it.
    pub consumer: String,
}

/// A delivery that was parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its name.
    pub id: DeadLetterId,
    /// The type of the event; absent where the stored envelope cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The version of the event's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Whose fact it is, if anyone's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
    /// When it came.
    pub received_at: Timestamp,
    /// What happened last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Entry>,
}

/// A dead letter with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterDetail {
    /// The dead letter.
    #[serde(flatten)]
    pub letter: DeadLetter,
    /// All that happened to it, the oldest first.
    pub history: Vec<Entry>,
    /// The envelope as it came. Its payload may hold personal data: show it to operators alone.
    pub envelope: serde_json::Value,
}

pub(super) fn id_of(row: &Model) -> DeadLetterId {
    DeadLetterId { event: EventId(row.event_id), consumer: row.consumer.clone() }
}

impl From<Model> for DeadLetter {
    fn from(row: Model) -> Self {
        let envelope: Option<Envelope> = row.envelope().ok().flatten();
        let (event_type, version, aggregate) = match envelope {
            Some(envelope) => {
                (Some(envelope.event_type), Some(envelope.version), Some(envelope.aggregate))
            }
            None => (None, None, None),
        };
        Self {
            id: id_of(&row),
            event_type,
            version,
            tenant: row.tenant_id.map(TenantId),
            aggregate,
            received_at: row.received_at.into(),
            last: history::read(&row.history).pop(),
        }
    }
}

impl From<Model> for DeadLetterDetail {
    fn from(row: Model) -> Self {
        let history = history::read(&row.history);
        let envelope = row.envelope.clone().unwrap_or_default();
        Self { letter: row.into(), history, envelope }
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.event, self.consumer)
    }
}

/// The text is not `<event id>/<consumer>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `<event id>/<consumer>`")]
pub struct MalformedDeadLetterId(String);

impl FromStr for DeadLetterId {
    type Err = MalformedDeadLetterId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || MalformedDeadLetterId(text.to_owned());
        let (event, consumer) = text.split_once('/').ok_or_else(malformed)?;
        let event = event.parse().map_err(|_| malformed())?;
        Ok(Self { event, consumer: consumer.to_owned() })
    }
}

impl TryFrom<String> for DeadLetterId {
    type Error = MalformedDeadLetterId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DeadLetterId> for String {
    fn from(id: DeadLetterId) -> Self {
        id.to_string()
    }
}

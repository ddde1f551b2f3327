//! Facts that a module publishes.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{EventId, TenantId, Timestamp};

/// A fact, as its module's contract declares it.
///
/// Fields may be added where they are optional; any other change is a new [`Event::VERSION`].
pub trait Event: Serialize + DeserializeOwned + ToSchema + Send + Sync + 'static {
    /// `module.past_tense`, such as `billing.invoice_paid`. Never reused.
    const TYPE: &'static str;
    /// The major version of the payload.
    const VERSION: u32;

    /// What the fact is about. Events of one aggregate are delivered in order.
    fn aggregate(&self) -> Aggregate;
}

/// The thing that a fact is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Aggregate {
    /// Such as `subscription`.
    pub kind: String,
    /// Its id.
    pub id: Uuid,
    /// Grows with every change of the aggregate: a consumer that cares for order drops what is
    /// not newer than what it has seen.
    pub version: i64,
}

impl Aggregate {
    /// The aggregate `kind` `id` after its `version`th change.
    pub fn new(kind: impl Into<String>, id: impl Into<Uuid>, version: i64) -> Self {
        Self { kind: kind.into(), id: id.into(), version }
    }

    /// What events are ordered by.
    #[must_use]
    pub fn ordering_key(&self) -> String {
        format!("{}:{}", self.kind, self.id)
    }
}

/// A fact on its way: the payload and all that the transports and consumers need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Envelope {
    /// The same at every delivery.
    pub id: EventId,
    /// [`Event::TYPE`].
    #[serde(rename = "type")]
    pub event_type: String,
    /// [`Event::VERSION`].
    pub version: u32,
    /// The module that published it.
    pub source: String,
    /// Whose fact it is; absent where it belongs to no tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// What it is about.
    pub aggregate: Aggregate,
    /// When it became true.
    pub occurred_at: Timestamp,
    /// The `traceparent` of the operation that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The event itself, as JSON.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
}

impl Envelope {
    /// Reads the payload.
    ///
    /// # Errors
    /// Another type, a version this build does not know, or a payload that does not fit: park
    /// such an envelope, never drop it.
    pub fn decode<E: Event>(&self) -> Result<E, EventDecodeError> {
        if self.event_type != E::TYPE || self.version != E::VERSION {
            return Err(EventDecodeError::Unknown {
                event_type: self.event_type.clone(),
                version: self.version,
            });
        }
        E::deserialize(&self.payload).map_err(|source| EventDecodeError::Malformed {
            event_type: self.event_type.clone(),
            source,
        })
    }
}

/// Why an envelope could not be read.
#[derive(Debug, thiserror::Error)]
pub enum EventDecodeError {
    /// This build does not know the type in that version.
    #[error("version {version} of {event_type} is unknown here")]
    Unknown {
        /// The envelope's type.
        event_type: String,
        /// The envelope's version.
        version: u32,
    },
    /// The payload does not have the declared shape.
    #[error("the payload of {event_type} has not the declared shape")]
    Malformed {
        /// The envelope's type.
        event_type: String,
        /// What did not fit.
        #[source]
        source: serde_json::Error,
    },
}

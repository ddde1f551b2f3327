//! An envelope as a message. The body says it all; properties and headers repeat what a person at
//! the broker, or a tracer, looks for.

use kernel::{Envelope, EventId};
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, ShortString},
};

use crate::RabbitError;

const PERSISTENT: u8 = 2;

/// The properties and the body of `envelope`.
pub(crate) fn write(envelope: &Envelope) -> Result<(BasicProperties, Vec<u8>), RabbitError> {
    let body = serde_json::to_vec(envelope).map_err(RabbitError::Unwritable)?;
    let seconds = u64::try_from(envelope.occurred_at.unix_seconds()).unwrap_or_default();
    let mut properties = BasicProperties::default()
        .with_message_id(envelope.id.to_string().into())
        .with_timestamp(seconds)
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers(envelope));
    // What is too long for a property is left to the body.
    if let Ok(event_type) = ShortString::try_new(envelope.event_type.as_str()) {
        properties = properties.with_type(event_type);
    }
    if let Ok(source) = ShortString::try_new(envelope.source.as_str()) {
        properties = properties.with_app_id(source);
    }
    Ok((properties, body))
}

fn headers(envelope: &Envelope) -> FieldTable {
    let mut headers = FieldTable::default();
    let mut set = |name: &str, value| {
        headers.insert(name.into(), value);
    };
    let text = |value: &str| AMQPValue::LongString(value.into());
    set("version", AMQPValue::LongLongInt(envelope.version.into()));
    set("ordering_key", text(&envelope.aggregate.ordering_key()));
    if let Some(tenant) = envelope.tenant {
        set("tenant", text(&tenant.to_string()));
    }
    if let Some(traceparent) = &envelope.traceparent {
        set("traceparent", text(traceparent));
    }
    headers
}

/// Reads the body of a message.
pub(crate) fn read(body: &[u8]) -> Result<Envelope, serde_json::Error> {
    serde_json::from_slice(body)
}

/// Which event a message with these properties is.
pub(crate) fn id_of(properties: &BasicProperties) -> Option<EventId> {
    properties.message_id().as_ref()?.as_str().parse().ok()
}

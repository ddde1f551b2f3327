//! The wire schema of a port.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::{ToSchema, openapi::RefOr, openapi::Schema};

use crate::{CallKind, Crossing, Method, PortDescriptor};

/// Collects a port's schema, method by method. The macro drives it.
#[derive(Debug)]
pub struct SchemaBuilder {
    port: &'static PortDescriptor,
    methods: BTreeMap<&'static str, MethodSchema>,
    schemas: BTreeMap<String, Value>,
}

/// The schema of one method.
#[derive(Debug, Serialize)]
pub struct MethodSchema {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    argument: Option<Value>,
    result: Value,
    refusals: Value,
}

impl SchemaBuilder {
    /// Starts with no methods.
    #[must_use]
    pub const fn new(port: &'static PortDescriptor) -> Self {
        Self { port, methods: BTreeMap::new(), schemas: BTreeMap::new() }
    }

    /// Adds a method; an argument that is `()` is no argument.
    #[must_use]
    pub fn method<M: Method>(mut self) -> Self {
        let kind = match M::DESCRIPTOR.kind {
            CallKind::Read => "read",
            CallKind::Write => "write",
        };
        let argument = Some(M::Argument::describe(&mut self)).filter(|schema| !is_unit(schema));
        let (result, refusals) = (M::Value::describe(&mut self), M::Error::describe(&mut self));
        self.methods.insert(M::DESCRIPTOR.name, MethodSchema { kind, argument, result, refusals });
        self
    }

    /// The whole port.
    #[must_use]
    pub fn build(self) -> Value {
        serde_json::json!({
            "service": self.port.service,
            "port": self.port.name,
            "version": self.port.version,
            "methods": self.methods,
            "schemas": self.schemas,
        })
    }

    pub(crate) fn add<S: ToSchema>(&mut self) -> Value {
        let mut nested: Vec<(String, RefOr<Schema>)> = Vec::new();
        S::schemas(&mut nested);
        for (name, schema) in nested {
            self.schemas.insert(name, json(&schema));
        }
        json(&S::schema())
    }
}

fn json(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or(Value::Null)
}

/// utoipa describes `()` as a schema that allows only null.
fn is_unit(schema: &Value) -> bool {
    schema.get("default").is_some_and(Value::is_null) && schema.get("properties").is_none()
}

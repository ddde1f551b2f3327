//! The wire schema of a port.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::{ToSchema, openapi::RefOr, openapi::Schema};

use crate::{CallKind, PortDescriptor};

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
    pub fn method<A: ToSchema, T: ToSchema, E: ToSchema>(mut self, name: &'static str) -> Self {
        let kind = self.port.methods.iter().find(|method| method.name == name);
        let kind = match kind.map(|method| method.kind) {
            Some(CallKind::Write) => "write",
            _ => "read",
        };
        let argument = Some(self.add::<A>()).filter(|schema| !is_unit(schema));
        let schema =
            MethodSchema { kind, argument, result: self.add::<T>(), refusals: self.add::<E>() };
        self.methods.insert(name, schema);
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

    fn add<S: ToSchema>(&mut self) -> Value {
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

//! Whom a collector hears from.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

/// Whose traces and metrics they are.
#[derive(Clone, Debug)]
pub struct Service {
    /// The program's name, the same for all of its replicas.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Tells replicas apart.
    pub instance: String,
    /// For whom it runs, such as `production`.
    pub environment: String,
}

impl Service {
    /// As OpenTelemetry has it.
    #[must_use]
    pub fn resource(self) -> Resource {
        let Self { name, version, instance, environment } = self;
        Resource::builder_empty()
            .with_service_name(name)
            .with_attributes([
                KeyValue::new("service.namespace", "ashlar"),
                KeyValue::new("service.version", version),
                KeyValue::new("service.instance.id", instance),
                KeyValue::new("deployment.environment.name", environment),
            ])
            .build()
    }
}

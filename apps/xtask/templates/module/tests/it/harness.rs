//! The module on a store of its own, behind the real edge.

use std::sync::Arc;

use actix_web::{
    http::StatusCode,
    test::{TestRequest, call_service, init_service, read_body},
};
use events::{EngineSettings, EventEngine};
use kernel::{TenantId, UserId};
use module::{ModuleParts, Placement, Ports, RoutesOf};
use {{name}}::Dependencies;
use {{name}}_api::{ {{Item}}Created, {{Module}}Api };
use {{name}}_migrations::Migrator;
use seam::async_trait;
use serde_json::Value;
use testing::{RecordingBus, TestStore, drain};
use tokens::AccessClaims;
use uuid::Uuid;
use web::{AccessRefusal, AccessVerifier, Edge, public_app};

/// Somebody who wants to hear of what happens.
const LISTENER: &str = "listener";

/// The module and all around it.
pub(crate) struct House {
    pub(crate) store: TestStore,
    pub(crate) port: Arc<dyn {{Module}}Api>,
    engine: Arc<EventEngine>,
    bus: Arc<RecordingBus>,
    routes: Vec<RoutesOf>,
}

impl House {
    /// With its port called directly.
    pub(crate) async fn open() -> Self {
        Self::placed(Placement::Direct).await
    }

    /// With its port reached in this way.
    pub(crate) async fn placed(placement: Placement) -> Self {
        let store = TestStore::builder("{{name}}")
            .route("{{name}}.{{item}}_created", LISTENER)
            .open::<Migrator>()
            .await
            .expect("a store");
        let module = {{name}}::module(Dependencies { store: store.store() });
        let ports = Ports::new([("{{name}}".to_owned(), placement)]);
        module.provide(&ports).expect("a free port");
        let parts = module.into_parts();
        let ModuleParts { consumers, routes, .. } = parts;
        let bus = RecordingBus::new();
        let engine = EventEngine::new(
            store.store(),
            consumers,
            Arc::clone(&bus) as _,
            EngineSettings::default(),
        );
        Self { store, port: ports.client(), engine, bus, routes }
    }

    /// Every event that was published so far, in order.
    pub(crate) async fn published(&self) -> Vec<{{Item}}Created> {
        drain(&[&self.engine]).await.expect("a store that works");
        self.bus.events(LISTENER)
    }

    /// Sends `request` as a member of `tenant`.
    pub(crate) async fn send(&self, tenant: TenantId, request: TestRequest) -> (StatusCode, Value) {
        let token = ("authorization", format!("Bearer {tenant}"));
        self.send_as_it_is(request.insert_header(token)).await
    }

    /// Sends `request` without a token.
    pub(crate) async fn send_as_it_is(&self, request: TestRequest) -> (StatusCode, Value) {
        let edge = Edge::new(Arc::new(KnownTenants));
        let routes = self.routes.clone();
        let app = public_app(&edge, move |config| routes.iter().for_each(|add| add(config)));
        let answer = call_service(&init_service(app).await, request.to_request()).await;
        let (status, body) = (answer.status(), read_body(answer).await);
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

/// Takes a tenant's id for a token of one of its members.
struct KnownTenants;

#[async_trait]
impl AccessVerifier for KnownTenants {
    async fn verify(&self, token: &str) -> Result<AccessClaims, AccessRefusal> {
        let tenant = token.parse().map_err(|_| AccessRefusal::Invalid)?;
        Ok(AccessClaims { user: UserId(Uuid::from_u128(1)), tenant, role: kernel::Role::Member })
    }
}

/// The `n`th tenant.
pub(crate) fn tenant(n: u128) -> TenantId {
    TenantId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n))
}

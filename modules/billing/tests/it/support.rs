//! The module on a store of its own, behind the real edge.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use actix_web::{
    body::MessageBody,
    http::{StatusCode, header::HeaderMap},
    test::{self, TestRequest},
};
use billing::{Catalog, Dependencies, Settings};
use billing_api::{BillingApi, PaymentGateway};
use billing_migrations::Migrator;
use events::{EngineSettings, EventEngine};
use kernel::{SequentialIds, TenantId, UserId};
use module::{Placement, Ports, RoutesOf};
use sandbox::{ChargeRecord, SandboxGateway};
use seam::async_trait;
use serde::Serialize;
use serde_json::Value;
use testing::{RecordingBus, TestStore, drain};
use tokens::AccessClaims;
use uuid::Uuid;
use web::{AccessRefusal, AccessVerifier, Edge};

/// More than a request of these tests needs; a provider that hangs is waited for as long.
pub(crate) const CHARGE_TIME: Duration = Duration::from_millis(50);

/// After which a request counts as cut off.
pub(crate) const CUT_OFF: Duration = Duration::from_secs(11);

/// The module and all around it.
pub(crate) struct Bench {
    pub(crate) store: TestStore,
    pub(crate) bus: Arc<RecordingBus>,
    pub(crate) engine: Arc<EventEngine>,
    sandbox: SandboxGateway,
    ports: Ports,
    routes: Vec<RoutesOf>,
    edge: Edge,
}

impl Bench {
    /// With the sandbox for a provider.
    pub(crate) async fn new() -> Self {
        Self::with_gateway(|sandbox| Arc::new(sandbox)).await
    }

    /// With a provider made of the sandbox.
    pub(crate) async fn with_gateway(
        gateway: impl FnOnce(SandboxGateway) -> Arc<dyn PaymentGateway>,
    ) -> Self {
        Self::build(Placement::Direct, gateway).await
    }

    /// With its port reached in this way.
    pub(crate) async fn placed(placement: Placement) -> Self {
        Self::build(placement, |sandbox| Arc::new(sandbox)).await
    }

    async fn build(
        placement: Placement,
        gateway: impl FnOnce(SandboxGateway) -> Arc<dyn PaymentGateway>,
    ) -> Self {
        let store = TestStore::builder("billing")
            .route("billing.subscription_started", "notifications")
            .route("billing.invoice_paid", "notifications")
            .route("billing.payment_failed", "notifications")
            .open::<Migrator>()
            .await
            .expect("a store");
        let sandbox = SandboxGateway::open(store.folder().join("payments")).expect("a sandbox");
        let module = billing::module(Dependencies {
            store: store.store(),
            gateway: gateway(sandbox.clone()),
            catalog: Catalog::shipped(),
            settings: Settings { charge_time: CHARGE_TIME },
        });
        let ports = Ports::new([("billing".to_owned(), placement)]);
        module.provide(&ports).expect("a free port");
        let parts = module.into_parts();
        let bus = RecordingBus::new();
        let engine = EventEngine::new(
            parts.store,
            parts.consumers,
            Arc::clone(&bus) as _,
            EngineSettings::default(),
        );
        let edge =
            Edge { ids: Arc::new(SequentialIds::default()), ..Edge::new(Arc::new(KnownTokens)) };
        Self { store, bus, engine, sandbox, ports, routes: parts.routes, edge }
    }

    /// The module's port.
    pub(crate) fn api(&self) -> Arc<dyn BillingApi> {
        self.ports.client()
    }

    /// What the provider was asked for.
    pub(crate) fn charges(&self) -> Vec<ChargeRecord> {
        self.sandbox.charges().expect("charges")
    }

    /// Moves the clock past what counts as cut off, and does what is due then.
    pub(crate) async fn let_it_complete(&self) {
        self.store.clock().advance(CUT_OFF);
        self.deliver().await;
    }

    /// Does what is due.
    pub(crate) async fn deliver(&self) {
        drain(&[&self.engine]).await.expect("a store that works");
    }

    /// Sends `request` as it stands.
    pub(crate) async fn send(&self, request: TestRequest) -> Answer {
        let routes = self.routes.clone();
        let app = web::public_app(&self.edge, move |config| {
            routes.iter().for_each(|routes| routes(config));
        });
        let app = test::init_service(app).await;
        match test::try_call_service(&app, request.to_request()).await {
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers().clone());
                Answer::new(status, &headers, &test::read_body(response).await)
            }
            Err(error) => {
                let response = error.error_response();
                let (status, headers) = (response.status(), response.headers().clone());
                let body = response.into_body().try_into_bytes().expect("not streamed");
                Answer::new(status, &headers, &body)
            }
        }
    }

    /// Reads `path` as `who`, such as `owner@1`.
    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        self.send(authorized(TestRequest::get(), who, path)).await
    }

    /// Posts `body` as `who`.
    pub(crate) async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.send(authorized(TestRequest::post(), who, path).set_json(body)).await
    }

    /// Subscribes as `who` under `key`.
    pub(crate) async fn subscribe(&self, who: &str, key: &str, body: Value) -> Answer {
        let request = authorized(TestRequest::post(), who, "/v1/billing/subscriptions");
        self.send(request.insert_header(("idempotency-key", key)).set_json(body)).await
    }
}

fn authorized(request: TestRequest, who: &str, path: &str) -> TestRequest {
    request.uri(path).insert_header(("authorization", format!("Bearer {who}")))
}

/// An order of three seats on the plan `team`.
pub(crate) fn order(payment_method: &str) -> Value {
    serde_json::json!({
        "price_id": "team_monthly_eur", "quantity": 3, "payment_method": payment_method
    })
}

/// The tenant that `who@n` acts in.
pub(crate) fn tenant(n: u128) -> TenantId {
    TenantId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n))
}

/// Takes tokens such as `owner@1`: an owner of the first tenant.
struct KnownTokens;

#[async_trait]
impl AccessVerifier for KnownTokens {
    async fn verify(&self, token: &str) -> Result<AccessClaims, AccessRefusal> {
        let (role, n) = token.split_once('@').ok_or(AccessRefusal::Invalid)?;
        let n: u128 = n.parse().map_err(|_| AccessRefusal::Invalid)?;
        Ok(AccessClaims {
            user: UserId(Uuid::from_u128(n)),
            tenant: tenant(n),
            role: role.parse().map_err(|_| AccessRefusal::Invalid)?,
        })
    }
}

/// What came back.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    #[serde(skip)]
    headers: BTreeMap<String, String>,
}

impl Answer {
    fn new(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |value: &actix_web::http::header::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        Self {
            status: status.as_u16(),
            body: serde_json::from_slice(body).unwrap_or(Value::Null),
            headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The stable name of the problem.
    pub(crate) fn slug(&self) -> &str {
        let kind = self.body["type"].as_str().unwrap_or_default();
        kind.strip_prefix("urn:ashlar:problem:").unwrap_or_default()
    }

    /// The body, without what tells two requests apart.
    pub(crate) fn lasting_body(&self) -> Value {
        let mut body = self.body.clone();
        if let Value::Object(members) = &mut body {
            members.remove("trace_id");
        }
        body
    }
}

/// Checks that `answer` is the problem `slug`.
#[track_caller]
pub(crate) fn check_problem(answer: &Answer, status: u16, slug: &str) {
    assert_eq!((answer.status, answer.slug()), (status, slug), "{answer:#?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

//! The module on a store of its own, behind the real edge.

use std::{collections::BTreeMap, ops::Deref, sync::Arc, time::Duration};

use actix_web::{
    body::MessageBody,
    http::{StatusCode, header::HeaderMap},
    test::{self, TestRequest},
};
use billing::{Catalog, Dependencies, Settings};
use billing_api::{BillingApi, PaymentGateway, ProviderWebhooks};
use billing_migrations::Migrator;
use events::{EngineSettings, EventEngine};
use kernel::{RandomIds, SequentialIds, TenantId, UserId};
use module::{ModuleParts, Placement, Ports, RoutesOf, Sweep};
use sandbox::{ChargeRecord, SandboxGateway};
use seam::async_trait;
use serde::Serialize;
use serde_json::Value;
use storage::{Store, StoreConfig, StoreParts};
use testing::{FixedRoutes, RecordingBus, TestStore, drain};
use tokens::AccessClaims;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use web::{AccessRefusal, AccessVerifier, Edge};

/// More than a provider of these tests needs, on any machine.
const PATIENT: Duration = Duration::from_secs(8);

/// Soon over, for providers that hang.
const IMPATIENT: Duration = Duration::from_millis(50);

/// After which any request counts as cut off.
pub(crate) const CUT_OFF: Duration = Duration::from_secs(14);

/// The module and all around it.
pub(crate) struct Bench {
    pub(crate) store: TestStore,
    sandbox: SandboxGateway,
    charge_time: Duration,
    webhooks: Option<Arc<dyn ProviderWebhooks>>,
    running: Running,
    edge: Edge,
}

/// What a process holds in memory.
pub(crate) struct Running {
    /// The store as this process has it open.
    pub(crate) data: Store,
    pub(crate) bus: Arc<RecordingBus>,
    pub(crate) engine: Arc<EventEngine>,
    ports: Ports,
    routes: Vec<RoutesOf>,
    sweeps: Vec<Sweep>,
}

impl Running {
    fn start(
        store: Store,
        gateway: Arc<dyn PaymentGateway>,
        webhooks: Option<Arc<dyn ProviderWebhooks>>,
        charge_time: Duration,
        placement: Placement,
    ) -> Self {
        let module = billing::module(Dependencies {
            store,
            gateway,
            webhooks,
            catalog: Catalog::shipped(),
            settings: Settings { charge_time },
        });
        let ports = Ports::new([("billing".to_owned(), placement)]);
        module.provide(&ports).expect("a free port");
        let ModuleParts { store, consumers, routes, sweeps, .. } = module.into_parts();
        let bus = RecordingBus::new();
        let settings = EngineSettings::default();
        let data = store.clone();
        let engine = EventEngine::new(store, consumers, Arc::clone(&bus) as _, settings);
        Self { data, bus, engine, ports, routes, sweeps }
    }
}

impl Deref for Bench {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
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
        Self::build(Placement::Direct, PATIENT, gateway).await
    }

    /// With the sandbox for a provider, which is not waited for.
    pub(crate) async fn impatient() -> Self {
        Self::build(Placement::Direct, IMPATIENT, |sandbox| Arc::new(sandbox)).await
    }

    /// With its port reached in this way.
    pub(crate) async fn placed(placement: Placement) -> Self {
        Self::build(placement, PATIENT, |sandbox| Arc::new(sandbox)).await
    }

    async fn build(
        placement: Placement,
        charge_time: Duration,
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
        let gateway = gateway(sandbox.clone());
        let running = Running::start(store.store(), gateway, None, charge_time, placement);
        let edge =
            Edge { ids: Arc::new(SequentialIds::default()), ..Edge::new(Arc::new(KnownTokens)) };
        Self { store, sandbox, charge_time, webhooks: None, running, edge }
    }

    /// The same data and provider in another process, which believes these webhooks.
    pub(crate) fn believing(
        mut self,
        webhooks: Arc<dyn ProviderWebhooks>,
        gateway: impl FnOnce(SandboxGateway) -> Arc<dyn PaymentGateway>,
    ) -> Self {
        self.webhooks = Some(webhooks);
        let (store, gateway) = (self.store.store(), gateway(self.sandbox.clone()));
        let webhooks = self.webhooks.clone();
        self.running =
            Running::start(store, gateway, webhooks, self.charge_time, Placement::Direct);
        self
    }

    /// Ends the process, as it were, and starts another on the same data, with the sandbox for a
    /// provider.
    pub(crate) async fn restart(&mut self) {
        self.store.store().close().await;
        let engine = self.store.database().engine();
        let config = StoreConfig { module: "billing", engine };
        let parts = StoreParts {
            clock: Arc::clone(self.store.clock()) as _,
            ids: Arc::new(RandomIds),
            routes: Arc::new(FixedRoutes::default()),
        };
        let store = Store::open::<Migrator>(config, parts).await.expect("the same store");
        let gateway = Arc::new(self.sandbox.clone());
        let webhooks = self.webhooks.clone();
        self.running =
            Running::start(store, gateway, webhooks, self.charge_time, Placement::Direct);
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

    /// Runs the module's sweeps once.
    pub(crate) async fn sweep(&self) {
        for sweep in &self.sweeps {
            sweep.run_once().await.expect("it sweeps");
        }
    }

    /// Does what is due.
    pub(crate) async fn deliver(&self) {
        drain(&[&self.engine]).await.expect("a store that works");
    }

    /// Sends `request` as it stands.
    pub(crate) async fn send(&self, request: TestRequest) -> Answer {
        let app = web::public_app(&self.edge, self.routes());
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

    /// The module's routes.
    pub(crate) fn routes(&self) -> impl FnOnce(&mut ServiceConfig<'_>) + use<> {
        let routes = self.routes.clone();
        move |config| routes.iter().for_each(|routes| routes(config))
    }

    /// Reads `path` as `who`, such as `owner@1`.
    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        self.send(authorized(TestRequest::get(), who, path)).await
    }

    /// Posts `body` as `who`.
    pub(crate) async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.send(authorized(TestRequest::post(), who, path).set_json(body)).await
    }

    /// Posts `body` as `who` under `key`.
    pub(crate) async fn post_keyed(&self, who: &str, path: &str, key: &str, body: Value) -> Answer {
        let request = authorized(TestRequest::post(), who, path);
        self.send(request.insert_header(("idempotency-key", key)).set_json(body)).await
    }

    /// Subscribes as `who` under `key`.
    pub(crate) async fn subscribe(&self, who: &str, key: &str, body: Value) -> Answer {
        self.post_keyed(who, "/v1/billing/subscriptions", key, body).await
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

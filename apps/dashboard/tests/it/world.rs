//! A program with one module, whose one consumer can be made to fail.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use actix_web::{
    App,
    dev::ServiceResponse,
    http::header::{HOST, ORIGIN},
    test::{self, TestRequest},
};
use dashboard::{Dashboard, Parts, Place, Placed, Rates, RecentTraces, Sent};
use events::{Consumer, Delivery, Effect, EngineSettings, EventEngine, HandlerError};
use kernel::{
    Aggregate, CallContext, CallId, Envelope, Event, EventId, ManualClock, Principal, Secret,
    TenantId,
};
use notifications_api::{Email, EmailSender};
use sandbox::SandboxMailbox;
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use seam::{CallFigures, EventBatch, async_trait};
use serde::{Deserialize, Serialize};
use storage::TenantTx;
use telemetry::{FinishedSpan, Kind, Parent, TraceSink, Value};
use tempfile::TempDir;
use testing::{TestStore, noon};
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
pub(crate) const HERE: &str = "127.0.0.1:8080";
/// Markup in every place where a stranger may put some.
pub(crate) const EVIL: &str = "<script>alert(1)</script>";

pub(crate) struct World {
    pub(crate) engine: Arc<EventEngine>,
    pub(crate) fails: Arc<AtomicBool>,
    dashboard: Dashboard,
    mailbox: Arc<SandboxMailbox>,
    _store: TestStore,
    _folder: TempDir,
}

/// A thing was made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
struct Made {
    thing: Uuid,
}

impl Event for Made {
    const TYPE: &'static str = "shop.made";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("thing", self.thing, 1)
    }
}

struct Note(Arc<AtomicBool>);

#[async_trait]
impl Effect<Made> for Note {
    async fn apply(
        &self,
        _: &TenantTx,
        _: &CallContext,
        _: Made,
        _: &Delivery,
    ) -> Result<(), HandlerError> {
        if self.0.load(Relaxed) { Err(HandlerError::permanent(EVIL)) } else { Ok(()) }
    }
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        storage::migrations()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let store = TestStore::builder("shop").clock(Arc::clone(&clock)).open::<Migrator>().await;
        let store = store.expect("a store");
        let fails = Arc::new(AtomicBool::new(true));
        let consumers = vec![Consumer::effect("shop.note", Arc::new(Note(Arc::clone(&fails))))];
        let bus = testing::RecordingBus::new();
        let engine = EventEngine::new(store.store(), consumers, bus, EngineSettings::default());
        let folder = TempDir::new().expect("a folder");
        let mailbox = Arc::new(SandboxMailbox::open(folder.path()).expect("a mailbox"));
        let traces = Arc::new(RecentTraces::new());
        traces.take(trace());
        let elsewhere = |port: u16| vec![format!("http://127.0.0.1:{port}")];
        let dashboard = Dashboard::new(Parts {
            program: "mall",
            modules: vec![
                Placed { name: "shop", place: Place::Here },
                Placed {
                    name: "bank",
                    place: Place::Elsewhere { calls: elsewhere(9081), pages: elsewhere(8081) },
                },
            ],
            rates: Arc::new(Rates::new(Arc::new(calls), Arc::new(sent))),
            engines: BTreeMap::from([("shop", Arc::clone(&engine))]),
            traces: Some(traces),
            mailbox: Arc::clone(&mailbox),
            internal: ([127, 0, 0, 1], 9080).into(),
            clock,
        });
        Self { engine, fails, dashboard, mailbox, _store: store, _folder: folder }
    }

    /// Delivers so many events.
    pub(crate) async fn deliver(&self, events: u128) {
        let envelopes = (1..=events).map(envelope).collect();
        let ctx =
            CallContext::new(Principal::service("shop"), CallId::random(), Duration::from_secs(30));
        let batch = EventBatch { envelopes };
        self.engine.inbox().deliver(&ctx, batch).await.expect("a receipt");
    }

    pub(crate) async fn mail(&self, id: &str, to: &str, text: &str, html: &str) {
        let email = Email {
            message_id: id.to_owned(),
            from: format!("{EVIL} <shop@example.com>"),
            to: to.to_owned(),
            subject: EVIL.to_owned(),
            text: Secret::new(text),
            html: Secret::new(html),
        };
        self.mailbox.send(&email).await.expect("it is kept");
    }

    pub(crate) async fn answer(&self, request: TestRequest) -> ServiceResponse {
        let routes = self.dashboard.clone();
        let app = App::new().configure(move |config| routes.routes(config));
        test::call_service(&test::init_service(app).await, request.to_request()).await
    }

    /// The page at `path`.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.answer(TestRequest::get().uri(path).insert_header((HOST, HERE))).await;
        assert_eq!(answer.status(), 200, "{path}");
        text(answer).await
    }

    /// What a browser sends when a button of our page is pressed.
    pub(crate) async fn press(&self, path: &str) -> ServiceResponse {
        let request = TestRequest::post().uri(path).insert_header((HOST, HERE));
        self.answer(request.insert_header((ORIGIN, format!("http://{HERE}")))).await
    }
}

pub(crate) async fn text(answer: ServiceResponse) -> String {
    let body = test::read_body(answer).await;
    String::from_utf8(body.to_vec()).expect("text")
}

pub(crate) fn event(n: u128) -> EventId {
    EventId(Uuid::from_u128(n))
}

fn envelope(n: u128) -> Envelope {
    let made = Made { thing: Uuid::from_u128(n) };
    Envelope {
        id: event(n),
        event_type: Made::TYPE.to_owned(),
        version: Made::VERSION,
        source: "shop".to_owned(),
        tenant: Some(TenantId(Uuid::from_u128(0x7e))),
        aggregate: made.aggregate(),
        occurred_at: noon(),
        traceparent: None,
        payload: serde_json::to_value(made).expect("an event is JSON"),
    }
}

fn calls() -> Vec<CallFigures> {
    let call = |caller: &str| CallFigures {
        caller: caller.to_owned(),
        service: "bank".to_owned(),
        port: "BankApi".to_owned(),
        transport: "http".to_owned(),
        calls: 3,
        ..CallFigures::default()
    };
    vec![call("shop"), call(EVIL)]
}

fn sent() -> Vec<Sent> {
    let (module, destination) = ("shop".to_owned(), "bank".to_owned());
    vec![Sent { module, destination, events: 41, refusals: 2 }]
}

/// A request that asked the bank, and failed.
fn trace() -> Vec<FinishedSpan> {
    let span = |id: u64, parent: u64, name: &str, kind, attributes| FinishedSpan {
        trace_id: TRACE,
        span_id: id,
        parent: (parent > 0).then_some(Parent { span_id: parent, is_remote: false }),
        sampled: true,
        name: name.to_owned().into(),
        kind,
        began: SystemTime::UNIX_EPOCH + Duration::from_millis(10 * id),
        took: Duration::from_millis(700 / id),
        attributes,
        notes: Vec::new(),
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let request = vec![
        ("http.route", text("/v1/things")),
        ("http.response.status_code", Value::Int(503)),
        ("error.type", text("unavailable")),
    ];
    let call = vec![("peer.service", text("bank")), ("said", text(EVIL))];
    vec![
        span(2, 1, "BankApi/pay", Kind::Client, call),
        span(1, 0, "POST /v1/things", Kind::Server, request),
    ]
}

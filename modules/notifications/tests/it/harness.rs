//! The module on a store of its own, with an auth and a mail provider that tests steer.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_api::{AuthApi, AuthError, Contact, ContactQuery, KeySet};
use events::{DeadLetterQuery, EngineSettings, EventEngine};
use kernel::{
    CallContext, CallId, Clock, Envelope, Event, EventId, ManualClock, Principal, Role, TenantId,
    UserId,
};
use module::{ModuleParts, Placement, PortBus, Ports, RoutesOf, Sweep};
use notifications::{Dependencies, Settings};
use notifications_api::{
    Accepted, Email, EmailError, EmailSender, MODULE, NotificationsApi,
    testing::{Arrivals, Arrived},
};
use notifications_migrations::Migrator;
use seam::{CallFailure, EventBatch, EventInbox, async_trait};
use storage::Store;
use testing::{TestStore, tenant_context};
use tokens::Sealer;
use uuid::Uuid;

/// Longer than anything here takes: only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What auth promises.
const MOST_CONTACTS: usize = 100;

pub(crate) const SENDER: &str = "Ashlar <no-reply@example.com>";

/// The module and what is around it. Its engine works when it is told to.
pub(crate) struct House {
    pub(crate) store: TestStore,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) auth: Arc<Contacts>,
    pub(crate) port: Arc<dyn NotificationsApi>,
    pub(crate) routes: Vec<RoutesOf>,
    pub(crate) sweeps: Vec<Sweep>,
    engine: Arc<EventEngine>,
    inbox: Arc<dyn EventInbox>,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::placed(Placement::Direct).await
    }

    /// `placement` says how callers reach the module.
    pub(crate) async fn placed(placement: Placement) -> Self {
        let store = TestStore::open::<Migrator>(MODULE.name).await.expect("a store");
        let sealer = Arc::new(Sealer::from_key(&[7; 32]));
        let provider = Arc::new(Provider::new(store.store()));
        let auth = Arc::new(Contacts::default());
        let module = notifications::module(Dependencies {
            store: store.store(),
            auth: auth.clone(),
            mailer: provider.clone(),
            sealer: sealer.clone(),
            settings: Settings {
                public_origin: "https://app.example.com/".to_owned(),
                from: SENDER.to_owned(),
            },
        });
        let ports = Ports::new([(MODULE.name.to_owned(), placement)]);
        module.provide(&ports).expect("nothing is provided twice");
        let port = ports.client::<dyn NotificationsApi>();
        let ModuleParts { consumers, routes, sweeps, .. } = module.into_parts();
        let bus = Arc::new(PortBus::new(ports.clone(), MODULE.name));
        let engine = EventEngine::new(store.store(), consumers, bus, EngineSettings::default());
        ports.provide_inbox(MODULE.name, engine.inbox()).expect("nothing is provided twice");
        Self {
            inbox: ports.inbox_client(MODULE.name).expect("the inbox is here"),
            clock: Arc::clone(store.clock()),
            store,
            sealer,
            provider,
            auth,
            port,
            routes,
            sweeps,
            engine,
        }
    }

    /// Does all that is due now, and says what was handed to the provider meanwhile.
    pub(crate) async fn work(&self) -> Vec<Email> {
        self.engine.run_until_idle().await.expect("the engine works");
        std::mem::take(&mut *self.provider.attempts.lock().expect("not poisoned"))
    }

    /// The consumers whose events are parked.
    pub(crate) async fn parked(&self) -> Vec<String> {
        let page = self.engine.dead_letters().list(&DeadLetterQuery::default()).await;
        page.expect("the dead letters").items.into_iter().map(|letter| letter.id.consumer).collect()
    }

    /// Hands an event in, as its publisher's relay does.
    pub(crate) async fn deliver<E: Event>(&self, tenant: TenantId, id: EventId, event: &E) {
        let envelope = Envelope {
            id,
            event_type: E::TYPE.to_owned(),
            version: E::VERSION,
            source: "elsewhere".to_owned(),
            tenant: Some(tenant),
            aggregate: event.aggregate(),
            occurred_at: self.clock.now(),
            traceparent: None,
            payload: serde_json::to_value(event).expect("JSON"),
        };
        self.deliver_envelope(envelope).await;
    }

    pub(crate) async fn deliver_envelope(&self, envelope: Envelope) {
        let id = envelope.id;
        let ctx = service(Principal::service("elsewhere"));
        let batch = EventBatch { envelopes: vec![envelope] };
        let receipt = self.inbox.deliver(&ctx, batch).await.expect("delivered");
        assert_eq!(receipt.taken, [id]);
    }

    /// `token`, as auth sends it.
    pub(crate) fn sealed<E: Event>(&self, token: &str) -> String {
        self.sealer.seal(token, E::TYPE).expect("sealed")
    }
}

pub(crate) fn service(principal: Principal) -> CallContext {
    CallContext::new(principal, CallId::random(), PATIENCE)
}

pub(crate) fn tenant() -> TenantId {
    TenantId(Uuid::now_v7())
}

pub(crate) fn event_id() -> EventId {
    EventId(Uuid::now_v7())
}

/// A provider that notes every attempt, and does what the test has planned for it.
pub(crate) struct Provider {
    store: Store,
    failures: Mutex<VecDeque<EmailError>>,
    attempts: Mutex<Vec<Email>>,
}

impl Provider {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, failures: Mutex::default(), attempts: Mutex::default() }
    }

    /// Fails the next attempt with `error`.
    pub(crate) fn fail_next(&self, error: EmailError) {
        self.failures.lock().expect("not poisoned").push_back(error);
    }
}

#[async_trait]
impl EmailSender for Provider {
    async fn send(&self, email: &Email) -> Result<Accepted, EmailError> {
        // There is one writer: were the caller inside a transaction, this would wait for ever.
        let ctx = tenant_context(tenant());
        drop(self.store.write(&ctx).await.expect("no transaction is open"));
        self.attempts.lock().expect("not poisoned").push(email.clone());
        self.failures.lock().expect("not poisoned").pop_front().map_or_else(
            || Ok(Accepted { reference: Some(format!("reference of {}", email.message_id)) }),
            Err,
        )
    }
}

#[async_trait]
impl Arrivals for Provider {
    async fn at(&self, to: &str) -> Vec<Arrived> {
        let attempts = self.attempts.lock().expect("not poisoned");
        let arrived = |email: &Email| Arrived {
            from: email.from.clone(),
            subject: email.subject.clone(),
            text: email.text.expose().to_owned(),
            html: email.html.expose().to_owned(),
        };
        attempts.iter().filter(|email| email.to == to).map(arrived).collect()
    }
}

/// An auth that knows what the test tells it.
#[derive(Default)]
pub(crate) struct Contacts {
    known: Mutex<Vec<Contact>>,
    failures: Mutex<VecDeque<CallFailure>>,
    pub(crate) asked: Mutex<Vec<(Principal, ContactQuery)>>,
}

impl Contacts {
    /// Adds a member.
    pub(crate) fn know(&self, tenant: TenantId, name: &str, role: Role) {
        self.known.lock().expect("not poisoned").push(Contact {
            user: UserId(Uuid::now_v7()),
            tenant,
            role,
            name: name.to_owned(),
            email: format!("{}@example.com", name.to_lowercase()),
        });
    }

    /// Fails the next question.
    pub(crate) fn fail_next(&self, failure: CallFailure) {
        self.failures.lock().expect("not poisoned").push_back(failure);
    }
}

#[async_trait]
impl AuthApi for Contacts {
    async fn signing_keys(&self, _ctx: &CallContext) -> Result<KeySet, AuthError> {
        Ok(KeySet { keys: vec![serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": "" })] })
    }

    async fn contacts(
        &self,
        ctx: &CallContext,
        query: ContactQuery,
    ) -> Result<Vec<Contact>, AuthError> {
        let asked = (ctx.principal().clone(), query.clone());
        self.asked.lock().expect("not poisoned").push(asked);
        if let Some(failure) = self.failures.lock().expect("not poisoned").pop_front() {
            return Err(failure.into());
        }
        let Principal::Service { tenant: Some(tenant), .. } = *ctx.principal() else {
            return Err(AuthError::Forbidden);
        };
        let known = self.known.lock().expect("not poisoned");
        let wanted =
            |contact: &&Contact| contact.tenant == tenant && contact.role >= query.at_least;
        Ok(known.iter().filter(wanted).take(MOST_CONTACTS).cloned().collect())
    }
}

/// The table of mails, as it lies there.
pub(crate) mod mails {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "mails")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub recipient: String,
        pub sealed_token: Option<String>,
        pub state: String,
        pub refusal: Option<String>,
        pub sent_at: Option<TimeDateTimeWithTimeZone>,
        pub provider_reference: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

/// All mails of `tenant`, by recipient.
pub(crate) async fn stored_mails(house: &House, tenant: TenantId) -> Vec<mails::Model> {
    let ctx = tenant_context(tenant);
    let data = house.store.read(&ctx).expect("a tenant");
    data.find::<mails::Entity>()
        .order_by_asc(mails::Column::Recipient)
        .all()
        .await
        .expect("the table")
}

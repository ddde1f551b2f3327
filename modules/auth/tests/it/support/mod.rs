//! Auth behind the real edge, beside a billing that does as it is told.

mod answer;
mod billing;
mod hashing;

use std::{sync::Arc, time::Duration};

use actix_web::{
    http::Method,
    test::{self, TestRequest},
};
use auth::{AuthSettings, Dependencies, HashingLimits};
use auth_api::{AuthApi, InvitationCreated, MemberJoined, TenantCreated, VerificationRequested};
use auth_migrations::Migrator;
use events::{EngineSettings, EventEngine};
use kernel::{Event, SequentialIds, TenantId};
use module::{Module, ModuleParts, Ports, RoutesOf, Sweep};
use seam::async_trait;
use serde_json::{Value, json};
use testing::{Client, RecordingBus, TestStore};
use tokens::{AccessClaims, AccessKeys, Sealer, SigningKey, TokenError};
use web::{AccessRefusal, AccessVerifier, Edge};

pub(crate) use answer::Answer;
pub(crate) use billing::{Behaviour, FakeBilling};
pub(crate) use hashing::CountingHashing;

/// Where the events of auth go.
pub(crate) const LISTENER: &str = "listener";
pub(crate) const PASSWORD: &str = "correct horse";
const ISSUER: &str = "http://127.0.0.1:8080";

/// The module under test and all around it. Time stands at noon until it is moved.
pub(crate) struct App {
    pub(crate) store: TestStore,
    pub(crate) billing: Arc<FakeBilling>,
    pub(crate) hashing: Arc<CountingHashing>,
    pub(crate) bus: Arc<RecordingBus>,
    pub(crate) ports: Ports,
    pub(crate) engine: Arc<EventEngine>,
    pub(crate) sweeps: Vec<Sweep>,
    pub(crate) routes: Vec<RoutesOf>,
    sealer: Arc<Sealer>,
    edge: Edge,
}

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::with(AuthSettings {
            hashing: HashingLimits { concurrency: 2, queue: 64 },
            ..AuthSettings::default()
        })
        .await
    }

    pub(crate) async fn with(settings: AuthSettings) -> Self {
        let mut builder = TestStore::builder("auth");
        for event_type in [
            TenantCreated::TYPE,
            VerificationRequested::TYPE,
            InvitationCreated::TYPE,
            MemberJoined::TYPE,
        ] {
            builder = builder.route(event_type, LISTENER);
        }
        let store = builder.open::<Migrator>().await.expect("a store");
        let billing = Arc::new(FakeBilling::new(store.store()));
        let hashing = Arc::new(CountingHashing::default());
        let sealer = Arc::new(Sealer::from_key(&[7; 32]));
        let signing_key = Arc::new(SigningKey::generate().expect("a key"));
        let verifier = Verifier {
            keys: AccessKeys::from_jwks(&[signing_key.public_jwk()], ISSUER),
            store: store.store(),
        };
        let module: Module = auth::module(Dependencies {
            store: store.store(),
            // Every call to billing goes over the wire format, and twice.
            billing: Client::Loopback.of(Arc::clone(&billing) as Arc<dyn billing_api::BillingApi>),
            issuer: ISSUER.to_owned(),
            signing_key,
            sealer: Arc::clone(&sealer),
            hashing: Arc::clone(&hashing) as Arc<dyn auth::PasswordHashing>,
            settings,
        });
        let ports = Ports::new([]);
        module.provide(&ports).expect("provided once");
        let ModuleParts { routes, consumers, sweeps, .. } = module.into_parts();
        let bus = RecordingBus::new();
        let engine = EventEngine::new(
            store.store(),
            consumers,
            Arc::clone(&bus) as Arc<dyn seam::EventBus>,
            EngineSettings::default(),
        );
        let edge =
            Edge { ids: Arc::new(SequentialIds::default()), ..Edge::new(Arc::new(verifier)) };
        Self { store, billing, hashing, bus, ports, engine, sweeps, routes, sealer, edge }
    }

    pub(crate) fn auth_api(&self) -> Arc<dyn AuthApi> {
        self.ports.client()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.store.clock().advance(by);
    }

    /// Brings all events where they go.
    pub(crate) async fn settle(&self) {
        self.engine.run_until_idle().await.expect("the engine runs");
    }

    /// Runs a sweep once.
    pub(crate) async fn sweep(&self, name: &str) {
        let sweep = self.sweeps.iter().find(|sweep| sweep.name == name).expect("such a sweep");
        sweep.run_once().await.expect("it sweeps");
    }

    pub(crate) async fn send(&self, request: TestRequest) -> Answer {
        let routes = self.routes.clone();
        let app = test::init_service(web::public_app(&self.edge, move |config| {
            for add in &routes {
                add(config);
            }
        }))
        .await;
        Answer::of(test::try_call_service(&app, request.to_request()).await).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(TestRequest::get().uri(path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(TestRequest::post().uri(path).set_json(body)).await
    }

    pub(crate) async fn get_as(&self, session: &Session, path: &str) -> Answer {
        self.send(authorized(session, Method::GET, path)).await
    }

    pub(crate) async fn post_as(&self, session: &Session, path: &str, body: Value) -> Answer {
        self.send(authorized(session, Method::POST, path).set_json(body)).await
    }

    pub(crate) async fn post_keyed(
        &self,
        session: &Session,
        path: &str,
        key: &str,
        body: Value,
    ) -> Answer {
        let request = authorized(session, Method::POST, path).set_json(body);
        self.send(request.insert_header(("idempotency-key", key))).await
    }

    pub(crate) async fn delete_as(&self, session: &Session, path: &str) -> Answer {
        self.send(authorized(session, Method::DELETE, path)).await
    }

    /// What the listener has heard so far of one type.
    pub(crate) async fn heard<E: Event>(&self) -> Vec<E> {
        self.settle().await;
        self.bus.events(LISTENER)
    }

    pub(crate) async fn register(&self, email: &str) -> Answer {
        self.post("/v1/auth/register", registration(email)).await
    }

    /// The tokens of the verification mails to `email`, oldest first.
    pub(crate) async fn verification_tokens(&self, email: &str) -> Vec<String> {
        let heard = self.heard::<VerificationRequested>().await;
        let to_them = heard.iter().filter(|requested| requested.email == email);
        to_them
            .map(|requested| self.open::<VerificationRequested>(&requested.sealed_token))
            .collect()
    }

    /// The token of the latest invitation to `email`.
    pub(crate) async fn invitation_token(&self, email: &str) -> String {
        let heard = self.heard::<InvitationCreated>().await;
        let latest = heard.iter().rfind(|invitation| invitation.email == email);
        self.open::<InvitationCreated>(&latest.expect("a mail was sent").sealed_token)
    }

    /// Opens a token as the module does that writes the mail.
    fn open<E: Event>(&self, sealed: &str) -> String {
        self.sealer.open(sealed, E::TYPE).expect("sealed for the mail").expose().to_owned()
    }

    pub(crate) async fn log_in(&self, email: &str) -> Session {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.post("/v1/auth/login", body).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        Session::of(&answer)
    }

    /// Registers somebody with an organisation of their own, verifies and logs them in.
    pub(crate) async fn owner(&self, email: &str) -> Session {
        assert_eq!(self.register(email).await.status, 202);
        let token = self.verification_tokens(email).await.pop().expect("a mail was sent");
        let answer = self.post("/v1/auth/verify-email", json!({ "token": token })).await;
        assert_eq!(answer.status, 204, "{answer:#?}");
        self.log_in(email).await
    }

    /// Invites somebody and has them accept and log in.
    pub(crate) async fn member(&self, inviter: &Session, email: &str, role: &str) -> Session {
        let body = json!({ "email": email, "role": role });
        let invited = self.post_as(inviter, "/v1/auth/invitations", body).await;
        assert_eq!(invited.status, 201, "{invited:#?}");
        let token = self.invitation_token(email).await;
        let body = json!({ "token": token, "name": "Grace Hopper", "password": PASSWORD });
        let joined = self.post("/v1/auth/invitations/accept", body).await;
        assert_eq!(joined.status, 200, "{joined:#?}");
        self.log_in(email).await
    }

    pub(crate) async fn tenant_of(&self, session: &Session) -> TenantId {
        let me = self.get_as(session, "/v1/auth/me").await;
        serde_json::from_value(me.body["tenant"]["id"].clone()).expect("a tenant")
    }
}

impl Session {
    pub(crate) fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.body[name].as_str().expect("a token").to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// A good registration.
pub(crate) fn registration(email: &str) -> Value {
    json!({
        "email": email,
        "password": PASSWORD,
        "name": "Ada Lovelace",
        "organization": "Analytical Engines",
    })
}

fn authorized(session: &Session, method: Method, path: &str) -> TestRequest {
    TestRequest::with_uri(path)
        .method(method)
        .insert_header(("authorization", format!("Bearer {}", session.access)))
}

/// Verifies with the key at hand.
struct Verifier {
    keys: AccessKeys,
    store: storage::Store,
}

#[async_trait]
impl AccessVerifier for Verifier {
    async fn verify(&self, token: &str) -> Result<AccessClaims, AccessRefusal> {
        self.keys.verify(token, self.store.clock().now()).map_err(|error| match error {
            TokenError::Expired => AccessRefusal::Expired,
            _ => AccessRefusal::Invalid,
        })
    }
}

//! How a stranger attacks each route.

use journeys::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};

use super::World;

/// A public route and what is tried on it.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) attack: Attack,
}

pub(super) enum Attack {
    /// It holds no tenant's data: everybody gets the same.
    NobodysData,
    /// It names nothing: the caller gets their own data, whatever else they say or send.
    OwnData,
    /// `{id}` is each of the victim's ids in turn, of whatever they are: 404.
    ById,
    /// Commands that name something of the victim's.
    Commands(fn(&World) -> Vec<Sent>),
    /// Why it is left out here, and where it is looked at.
    #[expect(dead_code, reason = "the reason is for the reader")]
    Elsewhere(&'static str),
}

/// What is sent with a request, and what it is to be answered.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) body: Value,
    pub(super) key: Option<String>,
    pub(super) expected: u16,
}

impl Route {
    /// As the description has it: `GET /v1/auth/me`.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Routes that a shape may be without: their provider is not configured.
pub(super) const OPTIONAL: [&str; 1] = ["POST /webhooks/stripe"];

pub(super) fn routes() -> Vec<Route> {
    use Attack::{ById, Commands, Elsewhere, NobodysData, OwnData};

    let get = |path, attack| Route { method: Method::GET, path, attack };
    let post = |path, attack| Route { method: Method::POST, path, attack };
    let delete = |path, attack| Route { method: Method::DELETE, path, attack };
    vec![
        get("/.well-known/jwks.json", NobodysData),
        post("/v1/auth/register", Commands(register)),
        post("/v1/auth/verify-email", Commands(verify)),
        post("/v1/auth/login", Commands(log_in)),
        post("/v1/auth/refresh", Commands(refresh)),
        post("/v1/auth/logout", Commands(log_out)),
        get("/v1/auth/me", OwnData),
        // Before the stranger invites the victim's guest too.
        get("/v1/auth/invitations", OwnData),
        post("/v1/auth/invitations", Commands(invite)),
        delete("/v1/auth/invitations/{id}", ById),
        post("/v1/auth/invitations/accept", Commands(accept)),
        get("/v1/billing/plans", NobodysData),
        post("/v1/billing/subscriptions", Commands(subscribe)),
        get("/v1/billing/subscription", OwnData),
        get("/v1/billing/invoices", OwnData),
        get("/v1/billing/invoices/{id}", ById),
        get("/v1/billing/entitlements", OwnData),
        post("/v1/billing/usage-events", Commands(report_usage)),
        get("/v1/billing/usage", OwnData),
        get("/v1/notifications", OwnData),
        post("/v1/notifications/{id}/read", ById),
        post(
            "/webhooks/stripe",
            Elsewhere("nobody's call counts without the provider's signature"),
        ),
    ]
}

fn sent(body: Value, expected: u16) -> Sent {
    Sent { body, key: None, expected }
}

fn register(world: &World) -> Vec<Sent> {
    let registration = json!({
        "email": world.victim.owner.email, "password": "a stranger's own", "name": "Eve",
        "organization": "Eve's",
    });
    vec![sent(registration, 202)]
}

/// Ids are no tokens.
fn verify(world: &World) -> Vec<Sent> {
    world.victim.ids.iter().map(|id| sent(json!({ "token": id }), 400)).collect()
}

fn log_in(world: &World) -> Vec<Sent> {
    let (victim, stranger) = (&world.victim, &world.stranger);
    vec![
        sent(
            json!({ "email": stranger.email, "password": PASSWORD, "tenant": victim.tenant }),
            404,
        ),
        sent(json!({ "email": victim.owner.email, "password": "a stranger's own" }), 401),
    ]
}

fn refresh(world: &World) -> Vec<Sent> {
    world.victim.ids.iter().map(|id| sent(json!({ "refresh_token": id }), 401)).collect()
}

/// An unknown token is answered as a known one is, and ends nothing.
fn log_out(world: &World) -> Vec<Sent> {
    world.victim.ids.iter().map(|id| sent(json!({ "refresh_token": id }), 204)).collect()
}

/// The victim's request under the victim's key: for a stranger, both are new.
fn invite(world: &World) -> Vec<Sent> {
    let (key, body) = world.victim.invitation_request();
    vec![Sent { body, key: Some(key), expected: 201 }]
}

fn accept(world: &World) -> Vec<Sent> {
    let body = |id: &String| json!({ "token": id, "name": "Eve", "password": "a stranger's own" });
    world.victim.ids.iter().map(|id| sent(body(id), 400)).collect()
}

/// As [`invite`]; the stranger has a subscription of their own.
fn subscribe(world: &World) -> Vec<Sent> {
    let (key, body) = world.victim.order();
    vec![Sent { body, key: Some(key), expected: 409 }]
}

fn report_usage(world: &World) -> Vec<Sent> {
    let (key, body) = world.victim.usage();
    vec![Sent { body, key: Some(key), expected: 200 }]
}

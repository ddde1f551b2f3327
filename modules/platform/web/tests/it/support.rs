//! A small API behind the real edge, and a client that keeps what was answered.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use actix_web::{
    HttpResponse,
    body::MessageBody,
    get,
    http::{
        Method, StatusCode,
        header::{HeaderMap, HeaderValue},
    },
    post, put,
    test::{self, TestRequest},
    web::Json,
};
use kernel::{CallContext, PageRequest, Role, Secret, SequentialIds, TenantId, UserId};
use seam::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use storage::StoreError;
use tokens::AccessClaims;
use utoipa::ToSchema;
use utoipa_actix_web::{scope, service_config::ServiceConfig};
use uuid::Uuid;
use web::limits::{Guessable, Limited};
use web::{
    AccessRefusal, AccessVerifier, ApiJson, ApiPath, ApiQuery, BodyHash, Caller, Edge,
    IdempotencyKey, Problem, Replayed, StandardErrors, Visitor,
};

/// Knows the tokens `member`, `admin` and `owner`, and some that do not hold.
pub(crate) struct KnownTokens;

#[async_trait]
impl AccessVerifier for KnownTokens {
    async fn verify(&self, token: &str) -> Result<AccessClaims, AccessRefusal> {
        let role = match token {
            "expired" => return Err(AccessRefusal::Expired),
            "keyless" => return Err(AccessRefusal::KeysUnavailable),
            role => role.parse().map_err(|_| AccessRefusal::Invalid)?,
        };
        let (user, tenant) = (UserId(Uuid::from_u128(0xa)), TenantId(Uuid::from_u128(0xb)));
        Ok(AccessClaims { user, tenant, role })
    }
}

/// Request ids count from 1, so that whole answers can be compared.
pub(crate) fn edge() -> Edge {
    Edge {
        ids: Arc::new(SequentialIds::default()),
        body_limit: 4_096,
        ..Edge::new(Arc::new(KnownTokens))
    }
}

/// What came back, as a snapshot shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The stable name of the problem.
    pub(crate) fn slug(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default()
    }
}

/// Sends `request` to the sample API behind `edge`.
pub(crate) async fn send_to(edge: &Edge, request: TestRequest) -> Answer {
    let app = test::init_service(web::public_app(edge, routes)).await;
    // The server makes an answer of an error at the very end; so does this.
    match test::try_call_service(&app, request.to_request()).await {
        Ok(response) => {
            let (status, headers) = (response.status(), response.headers().clone());
            keep(status, &headers, test::read_body(response).await)
        }
        Err(error) => {
            let response = error.error_response();
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.into_body().try_into_bytes().expect("problems are not streamed");
            keep(status, &headers, body)
        }
    }
}

/// Sends `request` to the sample API.
pub(crate) async fn send(request: TestRequest) -> Answer {
    send_to(&edge(), request).await
}

fn keep(status: StatusCode, headers: &HeaderMap, body: impl AsRef<[u8]>) -> Answer {
    let text = |value: &HeaderValue| {
        let text = value.to_str().expect("a header in ASCII");
        // Lists whose order means nothing come out of a hash set.
        let mut items: Vec<&str> = text.split(", ").collect();
        items.sort_unstable();
        items.join(", ")
    };
    let mut once = BTreeMap::new();
    for (name, value) in headers {
        let before = once.insert(name.to_string(), text(value));
        assert!(before.is_none() || name == "allow", "`{name}` is sent twice: {headers:?}");
    }
    Answer {
        status: status.as_u16(),
        headers: once,
        body: serde_json::from_slice(body.as_ref())
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body.as_ref()).into_owned())),
    }
}

/// A request with a JSON body as it stands.
pub(crate) fn json_request(method: Method, path: &str, body: &str) -> TestRequest {
    TestRequest::with_uri(path)
        .method(method)
        .insert_header(("content-type", "application/json"))
        .set_payload(body.to_owned())
}

pub(crate) fn post_json(path: &str, body: &str) -> TestRequest {
    json_request(Method::POST, path, body)
}

/// The sample API, declared as a module declares its own.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    let parts = scope("/v1/parts")
        .service(list)
        .service(create)
        .service(replace)
        .service(show)
        .service(charge);
    config.service(parts).service(
        scope("/v1/trouble")
            .service(guess)
            .service(whoami)
            .service(who_visits)
            .service(owners_only)
            .service(private)
            .service(anything)
            .service(replayed)
            .service(loses_its_store)
            .service(panics)
            .service(hangs)
            .service(fails)
            .service(loses_a_call)
            .service(plain_text)
            .service(own_headers),
    );
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPart {
    name: String,
    #[serde(default)]
    password: Option<Secret>,
    sizes: Vec<Size>,
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Size {
    millimetres: u32,
}

#[derive(Debug, Serialize, ToSchema)]
struct Part {
    id: Uuid,
}

/// Parts, page by page.
#[utoipa::path(params(PageRequest), responses((status = OK), StandardErrors))]
#[get("")]
async fn list(page: ApiQuery<PageRequest>) -> Json<Value> {
    Json(json!({ "size": page.size() }))
}

/// A new part.
#[utoipa::path(request_body = NewPart, responses((status = CREATED, body = Part), StandardErrors))]
#[post("")]
async fn create(part: ApiJson<NewPart>) -> HttpResponse {
    HttpResponse::Created().json(&*part)
}

/// A part in place of another.
#[utoipa::path(responses((status = OK, body = Part), StandardErrors))]
#[put("/{id}")]
async fn replace(id: ApiPath<Uuid>, part: ApiJson<NewPart>) -> Json<Value> {
    Json(json!({ "id": *id, "name": part.name }))
}

/// A part.
#[utoipa::path(
    params(("id" = Uuid, Path)),
    responses((status = OK, body = Part), StandardErrors),
    security(("bearer" = []))
)]
#[get("/{id}")]
async fn show(id: ApiPath<Uuid>) -> Result<Json<Part>, Problem> {
    if id.is_nil() { Err(Problem::not_found()) } else { Ok(Json(Part { id: *id })) }
}

/// Takes everything that a write can take. The hash is asked for before and after the body.
#[utoipa::path(params(IdempotencyKey), request_body = NewPart, responses(StandardErrors))]
#[post("/charge")]
async fn charge(
    key: IdempotencyKey,
    before: BodyHash,
    part: ApiJson<NewPart>,
    after: BodyHash,
) -> Json<Value> {
    Json(
        json!({ "key": key.as_str(), "same": before == after, "hash": *before, "name": part.name }),
    )
}

fn describe(context: &CallContext) -> Value {
    json!({
        "principal": context.principal(),
        "call_id": context.call_id(),
        "traceparent": context.trace().to_traceparent(),
        "locale": context.locale(),
        "has_time": !context.is_expired(),
    })
}

#[utoipa::path(responses((status = OK), StandardErrors))]
#[post("/guess")]
async fn guess(_within: Limited<Guessable>, secret: ApiJson<Value>) -> Json<Value> {
    Json(secret.into_inner())
}

#[utoipa::path(responses((status = OK)))]
#[get("/whoami")]
async fn whoami(caller: Caller) -> Json<Value> {
    Json(describe(&caller))
}

#[utoipa::path(responses((status = OK)))]
#[get("/visit")]
async fn who_visits(visitor: Visitor) -> Json<Value> {
    Json(describe(&visitor))
}

#[utoipa::path(responses((status = OK)))]
#[post("/anything")]
async fn anything(body: ApiJson<Value>) -> Json<Value> {
    Json(body.into_inner())
}

/// What is answered to a repetition of a charge that was declined.
#[utoipa::path(responses((status = OK)))]
#[get("/replayed")]
async fn replayed() -> Replayed {
    let declined = Problem::new(StatusCode::PAYMENT_REQUIRED, "card-declined", "Declined");
    Replayed { status: 402, body: declined.to_json() }
}

/// Asks for everything at once.
#[utoipa::path(responses((status = OK)))]
#[post("/private/{id}")]
async fn private(caller: Caller, id: ApiPath<UserId>, part: ApiJson<NewPart>) -> Json<Value> {
    Json(json!({ "part": *part, "id": *id, "user": caller.user() }))
}

#[utoipa::path(responses((status = OK)))]
#[get("/owners")]
async fn owners_only(caller: Caller) -> Result<&'static str, Problem> {
    caller.require(Role::Owner)?;
    Ok("\"welcome\"")
}

#[utoipa::path(responses((status = OK)))]
#[get("/panics")]
async fn panics() -> &'static str {
    panic!("the secret recipe is lost");
}

#[utoipa::path(responses((status = OK)))]
#[get("/hangs")]
async fn hangs() -> &'static str {
    std::future::pending::<()>().await;
    "never"
}

#[derive(Debug, thiserror::Error)]
#[error("table `secrets` does not exist")]
struct DatabaseError;

#[utoipa::path(responses((status = OK)))]
#[get("/fails")]
async fn fails() -> Result<&'static str, Problem> {
    Err(Problem::internal(DatabaseError))
}

#[utoipa::path(responses((status = OK)))]
#[get("/call/{failure}")]
async fn loses_a_call(failure: ApiPath<String>) -> Result<&'static str, Problem> {
    use seam::CallFailure;
    Err(match failure.as_str() {
        "unavailable" => CallFailure::unavailable("billing"),
        "deadline" => CallFailure::deadline_exceeded("billing"),
        "unknown" => CallFailure::outcome_unknown("billing"),
        _ => CallFailure::incompatible("billing", "no field `internal_detail`"),
    }
    .into())
}

#[utoipa::path(params(("error" = Role, Path), ("of" = UserId, Query)), responses((status = OK)))]
#[get("/store/{error}")]
async fn loses_its_store(error: ApiPath<String>) -> Result<&'static str, Problem> {
    let path = std::path::PathBuf::from("/data/secrets.db");
    Err(match error.as_str() {
        "not-found" => StoreError::NotFound { module: "billing", table: "secrets" },
        _ => StoreError::Locked { module: "billing", path },
    }
    .into())
}

/// What actix or a careless handler answers: an error that is no problem.
#[utoipa::path(responses((status = OK)))]
#[get("/plain-text")]
async fn plain_text() -> Result<&'static str, actix_web::Error> {
    Err(actix_web::error::ErrorConflict("row 17 of `secrets` is locked"))
}

#[utoipa::path(responses((status = OK)))]
#[get("/own-headers")]
async fn own_headers() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("content-security-policy", "default-src 'self'"))
        .insert_header(("cache-control", "max-age=60"))
        .body("{}")
}

/// Long enough for any machine, short enough to fail before the test runner gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

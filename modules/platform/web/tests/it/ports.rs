//! Calls between programs, as they arrive at the internal listener.

use std::{sync::Arc, time::Duration};

use actix_web::test::{self, TestRequest};
use kernel::{CallContext, CallId, CallKey, Principal, Role, SystemClock, TenantId, UserId};
use seam::{
    CallFailure, Port, PortError, ServedPort, Slot, Timing, WireContext, async_trait, port,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokens::{HopSigner, HopVerifier, SigningKey, TrustStore};
use utoipa::ToSchema;
use uuid::Uuid;
use web::internal;

/// Says back what it hears.
#[port(service = "echo", version = 2)]
trait Echo {
    /// The context and the argument as they arrived, or what the argument asks for.
    #[call(read)]
    async fn hear(&self, ctx: &CallContext, words: String) -> Result<Heard, EchoError>;
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Heard {
    #[schema(value_type = Object)]
    context: Value,
    length: usize,
}

#[derive(Debug, Serialize, Deserialize, ToSchema, thiserror::Error, PortError)]
#[serde(tag = "type", rename_all = "snake_case")]
enum EchoError {
    #[error("too loud")]
    TooLoud,
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

struct Cave;

#[async_trait]
impl Echo for Cave {
    async fn hear(&self, ctx: &CallContext, words: String) -> Result<Heard, EchoError> {
        match words.as_str() {
            "refuse" => Err(EchoError::TooLoud),
            "unavailable" => Err(CallFailure::unavailable("echo").into()),
            "lost" => Err(CallFailure::unavailable("billing").into()),
            "panic" => panic!("the cave collapses"),
            "hang" => std::future::pending().await,
            "from whom?" => {
                let program = ctx.program().expect("it comes from another program");
                let modules = ["auth", "echo"].map(|module| program.speaks_for(module));
                Ok(Heard { context: json!([program.name, modules]), length: words.len() })
            }
            words => {
                let mut context = serde_json::to_value(WireContext::from(ctx)).unwrap_or_default();
                // What is left of the time differs from run to run.
                context["remaining_ms"] = json!(ctx.remaining() > Duration::from_secs(1));
                Ok(Heard { context, length: words.len() })
            }
        }
    }
}

/// Two programs that know each other: `monolith` calls, and `echo` is served here.
pub(crate) struct Wire {
    signer: HopSigner,
    trust: Arc<TrustStore>,
}

impl Wire {
    pub(crate) fn new() -> Self {
        let key = Arc::new(SigningKey::generate().expect("a key"));
        let mut jwk = key.public_jwk();
        jwk["modules"] = json!(["auth", "billing"]);
        let trust = TrustStore::fixed([("monolith", jwk)]).expect("trust");
        let signer = HopSigner::new(key, "monolith", Arc::new(SystemClock));
        Self { signer, trust: Arc::new(trust) }
    }

    pub(crate) fn verifier(&self) -> HopVerifier {
        HopVerifier::new(Arc::clone(&self.trust), Arc::new(SystemClock))
    }

    /// All headers of a call.
    pub(crate) fn headers(&self, allowed: Duration) -> Vec<(&'static str, String)> {
        let context = CallContext::new(caller(), CallId(Uuid::from_u128(7)), allowed)
            .with_key(CallKey::new("größe 1"));
        let mut headers = Vec::from(WireContext::from(&context).to_headers());
        headers.push(("authorization", self.token("echo")));
        headers
    }

    fn token(&self, audience: &str) -> String {
        let token = self.signer.token_for(&caller(), audience).expect("a token");
        format!("Bearer {token}")
    }

    /// A call that lacks nothing.
    fn call(&self, path: &str, argument: impl Into<Vec<u8>>) -> TestRequest {
        self.call_within(Duration::from_secs(10), path, argument)
    }

    fn call_within(
        &self,
        allowed: Duration,
        path: &str,
        argument: impl Into<Vec<u8>>,
    ) -> TestRequest {
        let request = TestRequest::post().uri(path).set_payload(argument.into());
        self.headers(allowed).into_iter().fold(request, TestRequest::insert_header)
    }

    async fn answer(&self, request: TestRequest) -> Answer {
        let echo: Arc<dyn Echo> = Arc::new(Cave);
        let dispatch = <dyn Echo as Port>::server(Slot::filled(echo));
        let served = vec![ServedPort { service: "echo".to_owned(), dispatch }];
        let app = web::internal_app(internal::ports(served, self.verifier()));
        let app = test::init_service(app).await;
        let response = test::call_service(&app, request.to_request()).await;
        let outcome = response.headers().get("x-call-outcome");
        let outcome = outcome.map(|outcome| outcome.to_str().expect("ASCII").to_owned());
        let timing = response.headers().get("server-timing");
        let timing = timing.map(|timing| timing.to_str().expect("ASCII").to_owned());
        let status = response.status().as_u16();
        let body = test::read_body(response).await;
        Answer { status, outcome, timing, body: serde_json::from_slice(&body).expect("JSON") }
    }
}

fn caller() -> Principal {
    let (user, tenant) = (UserId(Uuid::from_u128(0xa)), TenantId(Uuid::from_u128(0xb)));
    Principal::User { user, tenant, role: Role::Admin }
}

struct Answer {
    status: u16,
    outcome: Option<String>,
    timing: Option<String>,
    body: Value,
}

const HEAR: &str = "/internal/echo/Echo/v2/hear";

#[track_caller]
fn check_failed(answer: &Answer, status: u16, failure: &str) {
    let outcome = answer.outcome.as_deref();
    assert_eq!((outcome, answer.status), (Some("failed"), status), "{}", answer.body);
    assert_eq!(answer.body["failure"], failure);
}

#[actix_web::test]
async fn the_callee_knows_the_program_and_for_which_modules_it_speaks() {
    let wire = Wire::new();
    let answer = wire.answer(wire.call(HEAR, r#""from whom?""#)).await;
    assert_eq!(answer.body["context"], json!(["monolith", [true, false]]), "{}", answer.body);
}

#[actix_web::test]
async fn a_call_arrives_with_its_context() {
    let wire = Wire::new();
    let answer = wire.answer(wire.call(HEAR, "\"hello\"")).await;
    assert_eq!((answer.outcome.as_deref(), answer.status), (Some("done"), 200));
    insta::assert_json_snapshot!(answer.body);
}

#[actix_web::test]
async fn a_call_that_was_begun_is_told_how_long_it_took_and_a_stranger_is_not() {
    let wire = Wire::new();
    for words in ["hello", "refuse", "panic"] {
        let answer = wire.answer(wire.call(HEAR, format!("\"{words}\""))).await;
        let told = answer.timing.expect("it was begun");
        let timing = Timing::from_server_timing([told.as_str()]).expect("all steps");
        assert!(timing.queue > Duration::ZERO && timing.handle > Duration::ZERO, "{told}");
    }
    for request in [
        TestRequest::post().uri(HEAR),
        wire.call("/internal/echo/Echo/v1/hear", "\"hello\""),
        TestRequest::get().uri("/internal/echo"),
    ] {
        assert_eq!(wire.answer(request).await.timing, None);
    }
}

#[actix_web::test]
async fn a_refusal_arrives_unchanged() {
    let wire = Wire::new();
    let answer = wire.answer(wire.call(HEAR, "\"refuse\"")).await;
    assert_eq!((answer.outcome.as_deref(), answer.status), (Some("refused"), 422));
    assert_eq!(answer.body, json!({ "type": "too_loud" }));
}

#[actix_web::test]
async fn a_failure_arrives_as_what_the_caller_may_know_of_it() {
    let wire = Wire::new();
    for (words, status, failure) in [
        ("unavailable", 503, "unavailable"),
        ("lost", 500, "outcome_unknown"),
        ("panic", 500, "outcome_unknown"),
    ] {
        let answer = wire.answer(wire.call(HEAR, format!("\"{words}\""))).await;
        check_failed(&answer, status, failure);
    }
}

#[actix_web::test]
async fn the_callers_time_bounds_the_call() {
    let wire = Wire::new();
    for allowed in [Duration::ZERO, Duration::from_millis(20)] {
        let answer = wire.answer(wire.call_within(allowed, HEAR, "\"hang\"")).await;
        check_failed(&answer, 504, "deadline_exceeded");
    }
}

#[actix_web::test]
async fn what_is_not_served_is_incompatible() {
    let wire = Wire::new();
    for path in [
        "/internal/echo/Sound/v2/hear",
        "/internal/echo/Echo/v1/hear",
        "/internal/echo/Echo/vtwo/hear",
        "/internal/echo/Echo/v2/listen",
    ] {
        let answer = wire.answer(wire.call(path, "\"hello\"")).await;
        check_failed(&answer, 501, "incompatible");
    }
}

#[actix_web::test]
async fn a_token_for_one_module_opens_no_other() {
    let wire = Wire::new();
    let answer = wire.answer(wire.call("/internal/cave/Echo/v2/hear", "\"hello\"")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.body["type"], "urn:ashlar:problem:token-invalid");
}

#[actix_web::test]
async fn an_argument_of_another_shape_is_incompatible() {
    let wire = Wire::new();
    for argument in ["17", "", "{"] {
        check_failed(&wire.answer(wire.call(HEAR, argument)).await, 501, "incompatible");
    }
}

#[actix_web::test]
async fn a_call_without_its_headers_is_incompatible_and_told_which() {
    let wire = Wire::new();
    let request = wire.call(HEAR, "\"hello\"").insert_header(("x-remaining-ms", "soon"));
    let answer = wire.answer(request).await;
    check_failed(&answer, 501, "incompatible");
    assert!(answer.body["detail"].as_str().is_some_and(|text| text.contains("x-remaining-ms")));
}

#[actix_web::test]
async fn an_argument_may_be_large_but_not_boundless() {
    let wire = Wire::new();
    let quoted = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    let largest = wire.answer(wire.call(HEAR, quoted(internal::ARGUMENT_LIMIT))).await;
    assert_eq!(largest.body["length"], internal::ARGUMENT_LIMIT - 2);
    let larger = wire.answer(wire.call(HEAR, quoted(internal::ARGUMENT_LIMIT + 1))).await;
    check_failed(&larger, 501, "incompatible");
}

#[actix_web::test]
async fn a_caller_that_does_not_prove_itself_gets_nowhere() {
    let wire = Wire::new();
    let stranger = Wire::new();
    let with_token =
        |token: String| wire.call(HEAR, "\"hello\"").insert_header(("authorization", token));
    let forged = with_token(stranger.token("echo"));
    let for_another = with_token(wire.token("billing"));
    let absent = TestRequest::post().uri(HEAR);
    for (request, slug) in
        [(absent, "unauthenticated"), (forged, "token-invalid"), (for_another, "token-invalid")]
    {
        let answer = wire.answer(request).await;
        assert_eq!((answer.outcome, answer.status), (None, 401));
        assert_eq!(answer.body["type"], format!("urn:ashlar:problem:{slug}"));
        assert!(answer.body["trace_id"].is_string());
    }
}

#[actix_web::test]
async fn other_paths_of_the_listener_are_problems() {
    let wire = Wire::new();
    let answer = wire.answer(TestRequest::get().uri("/internal/echo")).await;
    assert_eq!((answer.outcome, answer.status), (None, 404));
}

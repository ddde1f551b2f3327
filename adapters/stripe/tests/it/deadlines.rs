//! Time, and connections that break.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use billing_api::{ChargeRequest, GatewayError, PaymentGateway};
use kernel::ManualClock;
use stripe::StripeGateway;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};
use wiremock::{
    Mock, ResponseTemplate,
    matchers::{method, path},
};

use crate::support::{Bench, INTENTS, charge, error, gateway, intent, noon, paid};

const SOON: Duration = Duration::from_millis(150);

fn hurried() -> ChargeRequest {
    ChargeRequest { allowed: SOON, ..charge() }
}

#[tokio::test]
async fn no_answer_in_time_is_unknown_and_the_same_key_resolves_it() {
    let bench = Bench::new().await;
    let answer = || ResponseTemplate::new(200).set_body_json(intent("succeeded"));
    let posted = || Mock::given(method("POST")).and(path(INTENTS));
    let never = answer().set_delay(Duration::from_secs(600));
    posted().respond_with(never).up_to_n_times(1).mount(&bench.server).await;
    posted().respond_with(answer()).mount(&bench.server).await;

    let asked = Instant::now();
    let outcome = bench.gateway.charge(hurried()).await;
    assert!(matches!(outcome, Err(GatewayError::Unknown(_))), "{outcome:?}");
    assert!((SOON..SOON * 20).contains(&asked.elapsed()), "{:?}", asked.elapsed());

    assert_eq!(bench.charge().await.expect("an outcome"), paid());
    let requests = bench.requests().await;
    assert_eq!(requests[0].headers["idempotency-key"], requests[1].headers["idempotency-key"]);
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn a_key_in_use_to_the_end_is_unknown() {
    let bench = Bench::new().await;
    let in_use = error("idempotency_error", "idempotency_key_in_use");
    bench.answers("POST", INTENTS, 409, in_use).await;
    let asked = Instant::now();
    let outcome = bench.gateway.charge(hurried()).await;
    assert!(matches!(outcome, Err(GatewayError::Unknown(_))), "{outcome:?}");
    assert!(asked.elapsed() < SOON * 20, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn without_time_nothing_is_sent() {
    let bench = Bench::new().await;
    let at_once = ChargeRequest { allowed: Duration::ZERO, ..charge() };
    let outcome = bench.gateway.charge(at_once).await;
    assert!(matches!(outcome, Err(GatewayError::Unreachable(_))), "{outcome:?}");
    assert!(bench.requests().await.is_empty());
}

#[tokio::test]
async fn a_refused_connection_charges_nothing() {
    let (listener, url) = listening().await;
    drop(listener);
    let outcome = at(&url).charge(charge()).await;
    assert!(matches!(outcome, Err(GatewayError::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_a_doubt() {
    let (listener, url) = listening().await;
    let stripe = async {
        let connection = asked(&listener).await;
        drop(connection);
    };
    let gateway = at(&url);
    let (outcome, ()) = futures_util::future::join(gateway.charge(charge()), stripe).await;
    assert!(matches!(outcome, Err(GatewayError::Unknown(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_the_request_along() {
    let (listener, url) = listening().await;
    let gateway = at(&url);
    let mut connection = tokio::select! {
        outcome = gateway.charge(charge()) => panic!("answered: {outcome:?}"),
        connection = asked(&listener) => connection,
    };
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).await.expect("the connection is closed, not kept");
}

fn at(url: &str) -> StripeGateway {
    gateway(url, Arc::new(ManualClock::new(noon())))
}

async fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// A connection over which a charge was asked for.
async fn asked(listener: &TcpListener) -> TcpStream {
    let (mut connection, _) = listener.accept().await.expect("a connection");
    let mut request = Vec::new();
    while !String::from_utf8_lossy(&request).contains("ashlar_tenant") {
        let read = connection.read_buf(&mut request).await.expect("a request");
        assert_ne!(read, 0, "a whole request");
    }
    connection
}

//! The HTTP transport against peers that behave badly.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use seam::{CallFailure, Port};
use testing::{Reserved, transport_to};
use tokens::SigningKey;
use tokio::runtime::Handle;

use crate::{
    house::{context, context_with},
    ledger::{LedgerApi, LedgerError},
    peer::{Act, Peer},
    within,
};

const DONE: Act = Act::Answer("done", "7");
const DRAINING: Act = Act::Answer("failed", r#"{"failure":"unavailable","service":"ledger"}"#);

fn client(addresses: impl IntoIterator<Item = SocketAddr>) -> Arc<dyn LedgerApi> {
    let key = Arc::new(SigningKey::generate().expect("a key"));
    <dyn LedgerApi>::remote(transport_to("ledger", addresses, key, Handle::current()))
}

async fn call(client: &Arc<dyn LedgerApi>) -> Result<i64, LedgerError> {
    within(client.balance(&context())).await
}

fn unknown() -> Result<i64, LedgerError> {
    Err(CallFailure::outcome_unknown("ledger").into())
}

fn unavailable() -> Result<i64, LedgerError> {
    Err(CallFailure::unavailable("ledger").into())
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    request
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {name} in {request}"))
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let nobody = Reserved::new();
    assert_eq!(call(&client([nobody.address()])).await, unavailable());
}

#[tokio::test]
async fn whatever_breaks_after_the_request_was_sent_is_unknown() {
    for script in [
        &[Act::Close],
        &[Act::ResetInBody],
        &[Act::EndInBody],
        &[Act::Say("HTTP/1.1 200 OK\r\n")],
        &[Act::Say("SSH-2.0-OpenSSH_9.2\r\n")],
        &[Act::Say("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")],
        &[Act::Say("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")],
    ] {
        let peer = Peer::following(script).await;
        assert_eq!(call(&client([peer.address])).await, unknown(), "{script:?}");
        assert_eq!(peer.requests().len(), 3, "{script:?}: three attempts");
    }
}

#[tokio::test]
async fn an_answer_that_comes_from_no_port_is_unknown_and_not_asked_for_again() {
    for script in [
        &[Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n7")],
        &[Act::Say("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")],
        &[Act::Say("HTTP/1.1 301 Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")],
    ] {
        let peer = Peer::following(script).await;
        assert_eq!(call(&client([peer.address])).await, unknown(), "{script:?}");
        assert_eq!(peer.requests().len(), 1, "{script:?}");
    }
}

#[tokio::test]
async fn a_port_that_answers_nonsense_is_incompatible() {
    let peer = Peer::following(&[Act::Answer("done", "seven")]).await;
    let answer = call(&client([peer.address])).await;
    let incompatible = matches!(answer, Err(LedgerError::Call(CallFailure::Incompatible { .. })));
    assert!(incompatible, "{answer:?}");
}

#[tokio::test]
async fn a_retry_carries_the_same_key_and_heals() {
    let peer = Peer::following(&[Act::ResetInBody, Act::Close, DONE]).await;
    assert_eq!(call(&client([peer.address])).await, Ok(7));
    let requests = peer.requests();
    let [first, .., last] = &requests[..] else { panic!("{requests:?}") };
    assert!(first.starts_with("POST /internal/ledger/LedgerApi/v1/balance HTTP/1.1"), "{first}");
    assert_eq!(header(first, "x-call-key"), header(last, "x-call-key"));
    assert!(header(first, "authorization").starts_with("Bearer ey"));
    let left = |request| header(request, "x-remaining-ms").parse::<u64>().expect("a number");
    assert!(left(last) <= left(first), "time goes by");
}

#[tokio::test]
async fn a_retry_that_is_refused_does_not_make_the_first_attempt_undone() {
    let peer = Peer::following(&[Act::Die]).await;
    assert_eq!(call(&client([peer.address])).await, unknown());
}

#[tokio::test]
async fn a_peer_that_hangs_is_hung_up_on_when_the_time_is_up() {
    let peer = Peer::following(&[Act::Hang]).await;
    let client = client([peer.address]);
    let context = context_with(Duration::from_millis(150));
    let answer = within(client.balance(&context)).await;
    assert_eq!(answer, Err(CallFailure::deadline_exceeded("ledger").into()));
    within(peer.hung_up.notified()).await;
    assert_eq!(peer.requests().len(), 1);
}

/// Time-outs count against a replica, in a row and with nothing heard from it.
#[tokio::test]
async fn a_replica_that_takes_calls_and_never_answers_is_left_out() {
    let (silent, ready) = (Peer::following(&[Act::Hang]).await, Peer::following(&[DONE]).await);
    let client = client([silent.address, ready.address]);
    let call = async || {
        let context = context_with(Duration::from_millis(600));
        within(client.balance(&context)).await
    };
    let late = Err(CallFailure::deadline_exceeded("ledger").into());
    for n in 0..10 {
        let expected = if n % 2 == 0 { late.clone() } else { Ok(7) };
        assert_eq!(call().await, expected, "they take turns");
    }

    let mut late_again = 0;
    for _ in 0..40 {
        late_again += usize::from(call().await != Ok(7));
    }
    // A probe may have gone out.
    assert!(late_again <= 2, "{late_again} of 40 calls were sent to it");
}

#[tokio::test]
async fn a_caller_that_goes_away_hangs_up() {
    let peer = Peer::following(&[Act::Hang]).await;
    let client = client([peer.address]);
    let caller = tokio::spawn(async move { client.balance(&context()).await });
    within(peer.hanging.notified()).await;
    caller.abort();
    within(peer.hung_up.notified()).await;
}

#[tokio::test]
async fn a_callee_that_drains_is_asked_again_elsewhere() {
    let (draining, ready) = (Peer::following(&[DRAINING]).await, Peer::following(&[DONE]).await);
    let client = client([draining.address, ready.address]);
    for _ in 0..4 {
        assert_eq!(call(&client).await, Ok(7));
    }
    assert!(!draining.requests().is_empty());
}

#[tokio::test]
async fn calls_go_round_and_leave_the_broken_replica_out() {
    let (broken, first, second) = (
        Peer::following(&[Act::Close]).await,
        Peer::following(&[DONE]).await,
        Peer::following(&[DONE]).await,
    );
    let client = client([first.address, broken.address, second.address]);
    for _ in 0..60 {
        assert_eq!(call(&client).await, Ok(7));
    }
    // Five failures open the breaker; a probe may have gone out since.
    assert!((5..=12).contains(&broken.requests().len()), "{}", broken.requests().len());
    assert!(first.requests().len() >= 20 && second.requests().len() >= 20);
}

#[tokio::test]
async fn an_open_breaker_spares_the_peer() {
    let peer = Peer::following(&[Act::Close]).await;
    let client = client([peer.address]);
    for _ in 0..2 {
        assert_eq!(call(&client).await, unknown());
    }
    let mut spared = 0;
    for _ in 0..50 {
        spared += usize::from(call(&client).await == unavailable());
    }
    // A probe goes out at most every quarter of a second.
    assert!(spared >= 40, "{spared}");
    assert!((5..=15).contains(&peer.connections()), "{}", peer.connections());
}

#[tokio::test]
async fn retries_stay_within_the_budget() {
    let peer = Peer::following(&[DRAINING]).await;
    let client = client([peer.address]);
    for _ in 0..100 {
        assert_eq!(call(&client).await, unavailable());
    }
    // A reserve of ten, and a tenth of the calls; the first one adds nothing to a full reserve.
    assert_eq!(peer.requests().len(), 100 + 10 + 9);
}

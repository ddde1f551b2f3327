//! Where the time of a call over HTTP goes.

use std::sync::Arc;

use seam::{CallFigures, Meter, Port, Slot, StepFigures, Transport};
use testing::{PortServer, transport_to};
use tokens::SigningKey;
use tokio::runtime::Handle;

use crate::{
    house::context,
    ledger::{Ledger, LedgerApi, LedgerError, Trouble},
    peer::{Act, Peer},
    within,
};

fn counted(meter: &Meter, transport: Arc<dyn Transport>) -> Arc<dyn LedgerApi> {
    let name = transport.name();
    let counters = meter.over(name, "auditor", "ledger", <dyn LedgerApi>::descriptor());
    <dyn LedgerApi>::remote_counted(transport, counters)
}

/// What was counted of the only method that was called.
fn only(meter: &Meter) -> (CallFigures, StepFigures) {
    let read = meter.read();
    let [figures] = read.as_slice() else { panic!("one method was called: {read:?}") };
    (figures.clone(), figures.steps_ns.expect("calls over HTTP have steps"))
}

#[track_caller]
fn check_sum(figures: &CallFigures, steps: StepFigures) {
    let StepFigures { caller_serialize, callee_serialize, network, queue, handle } = steps;
    let sum = caller_serialize + callee_serialize + network + queue + handle;
    assert_eq!(sum, figures.total_ns, "{figures:?}");
}

#[tokio::test]
async fn a_callee_tells_its_part_of_a_call() {
    const CALLS: u64 = 4;
    const TOIL_MS: u64 = 3;
    let server = PortServer::new("ledger");
    let ledger: Arc<dyn LedgerApi> = Arc::<Ledger>::default();
    server.start(<dyn LedgerApi>::server(Slot::filled(ledger)));
    let meter = Meter::new();
    let client = counted(&meter, server.transport());
    for _ in 0..CALLS {
        within(client.misbehave(&context(), Trouble::Toil(TOIL_MS))).await.expect("done");
    }
    let (figures, steps) = only(&meter);
    check_sum(&figures, steps);
    assert_eq!((figures.transport.as_str(), figures.calls), ("http", CALLS));
    assert_eq!((figures.failures, figures.retries, figures.untold), (0, 0, 0));
    assert_eq!(figures.request_bytes, CALLS * r#"{"Toil":3}"#.len() as u64);
    assert_eq!(figures.response_bytes, CALLS * "null".len() as u64);
    assert!(steps.handle >= CALLS * TOIL_MS * 1_000_000, "{steps:?}");
    assert!(steps.network > 0 && steps.queue > 0, "{steps:?}");
}

#[tokio::test]
async fn a_refusal_is_timed_and_a_failure_is_not() {
    let server = PortServer::new("ledger");
    let ledger: Arc<dyn LedgerApi> = Arc::<Ledger>::default();
    server.start(<dyn LedgerApi>::server(Slot::filled(ledger)));
    let meter = Meter::new();
    let client = counted(&meter, server.transport());
    let refused = within(client.misbehave(&context(), Trouble::RefuseClosed)).await;
    assert_eq!(refused, Err(LedgerError::Closed));
    let failed = within(client.misbehave(&context(), Trouble::Panic)).await;
    assert!(matches!(failed, Err(LedgerError::Call(_))), "{failed:?}");
    let (figures, steps) = only(&meter);
    check_sum(&figures, steps);
    assert_eq!((figures.calls, figures.failures, figures.timed, figures.untold), (2, 1, 1, 0));
}

/// Of a peer's answer.
macro_rules! answer {
    ($timing:literal) => {
        Act::Say(concat!(
            "HTTP/1.1 200 OK\r\nx-call-outcome: done\r\n",
            $timing,
            "content-length: 1\r\nconnection: close\r\n\r\n7"
        ))
    };
}

#[tokio::test]
async fn what_a_peer_tells_of_its_time_cannot_do_harm() {
    const ACTS: &[Act] = &[
        answer!(""),
        answer!("server-timing: \r\n"),
        answer!("server-timing: handle;dur=1\r\n"),
        answer!("server-timing: queue;dur=-1, handle;dur=NaN, serialize;dur=inf\r\n"),
        answer!("server-timing: queue;dur=1e300, handle;dur=1e300, serialize;dur=1e300\r\n"),
        answer!("server-timing: queue;dur=0, handle;dur=9000000, serialize;dur=0\r\n"),
        answer!("server-timing: \u{fc}\r\nserver-timing: ;;;,,,dur=\r\n"),
    ];
    let peer = Peer::following(ACTS).await;
    let key = Arc::new(SigningKey::generate().expect("a key"));
    let meter = Meter::new();
    let client = counted(&meter, transport_to("ledger", [peer.address], key, Handle::current()));
    for act in ACTS {
        assert_eq!(within(client.balance(&context())).await, Ok(7), "{act:?}");
    }
    let (figures, steps) = only(&meter);
    let calls = ACTS.len() as u64;
    assert_eq!((figures.calls, figures.failures, figures.untold), (calls, 0, calls));
    let StepFigures { caller_serialize, network, .. } = steps;
    assert_eq!(steps, StepFigures { caller_serialize, network, ..StepFigures::default() });
    check_sum(&figures, steps);
}

#[tokio::test]
async fn a_call_that_is_sent_again_is_one_call() {
    const DRAINING: Act = Act::Answer("failed", r#"{"failure":"unavailable","service":"ledger"}"#);
    let peer = Peer::following(&[DRAINING, Act::Answer("done", "7")]).await;
    let key = Arc::new(SigningKey::generate().expect("a key"));
    let meter = Meter::new();
    let client = counted(&meter, transport_to("ledger", [peer.address], key, Handle::current()));
    assert_eq!(within(client.balance(&context())).await, Ok(7));
    let (figures, _) = only(&meter);
    assert_eq!((figures.calls, figures.retries, figures.failures), (1, 1, 0));
}

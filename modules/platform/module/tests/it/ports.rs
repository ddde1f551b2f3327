//! Where a client leads.

use std::sync::{Arc, atomic::Ordering};

use async_trait::async_trait;
use kernel::CallContext;
use module::{Placement, Ports};
use seam::{
    Answered, CallFailure, DeliveryError, EVENT_INBOX, EventBatch, EventInbox, OutgoingCall,
    Receipt, Repeat, Reply, Transport,
};

use crate::greeting::{GreetingApi, GreetingError, Polite, greeted};

fn placed(placement: Placement) -> Ports {
    Ports::new([("greeting".to_owned(), placement)])
}

#[tokio::test]
async fn a_client_is_there_before_what_it_calls() {
    for placement in [Placement::Direct, Placement::Loopback(Repeat::Never)] {
        let ports = placed(placement);
        let api = ports.client::<dyn GreetingApi>();
        let failure = GreetingError::Call(CallFailure::unavailable("greeting"));
        assert_eq!(greeted(&api).await, Err(failure));
        ports.provide::<dyn GreetingApi>(Arc::new(Polite::default())).expect("the first one");
        assert_eq!(greeted(&api).await.as_deref(), Ok("Good day, Ada."));
    }
}

#[tokio::test]
async fn a_loopback_calls_as_often_as_it_is_told() {
    for (placement, calls) in [
        (Placement::Direct, 1),
        (Placement::Loopback(Repeat::Never), 1),
        (Placement::Loopback(Repeat::Always), 2),
    ] {
        let ports = placed(placement);
        let polite = Arc::new(Polite::default());
        ports.provide::<dyn GreetingApi>(polite.clone()).expect("the first one");
        greeted(&ports.client()).await.expect("a greeting");
        assert_eq!(polite.0.load(Ordering::Relaxed), calls);
    }
}

#[tokio::test]
async fn a_service_that_is_placed_nowhere_is_looked_for_here() {
    let ports = Ports::new([]);
    let api = ports.client::<dyn GreetingApi>();
    assert!(greeted(&api).await.is_err());
    ports.provide::<dyn GreetingApi>(Arc::new(Polite::default())).expect("the first one");
    assert!(greeted(&api).await.is_ok());
}

/// Answers in another's place.
struct Elsewhere;

#[async_trait]
impl Transport for Elsewhere {
    fn service(&self) -> &str {
        "greeting"
    }

    fn name(&self) -> &'static str {
        "elsewhere"
    }

    async fn send(&self, call: OutgoingCall<'_>) -> Answered {
        let answer = format!("\"{}.{} was here\"", call.method.port, call.method.name);
        Reply::Done(answer.into_bytes()).into()
    }
}

#[tokio::test]
async fn a_remote_service_is_called_where_it_is_even_if_it_is_here_too() {
    let ports = placed(Placement::Remote(Arc::new(Elsewhere)));
    let polite = Arc::new(Polite::default());
    ports.provide::<dyn GreetingApi>(polite.clone()).expect("the first one");
    let answer = greeted(&ports.client()).await;
    assert_eq!(answer.as_deref(), Ok("GreetingApi.greet was here"));
    assert_eq!(polite.0.load(Ordering::Relaxed), 0);
}

#[test]
fn a_port_has_one_implementation() {
    let ports = Ports::new([]);
    let provide = || ports.provide::<dyn GreetingApi>(Arc::new(Polite::default()));
    provide().expect("the first one");
    let mistake = provide().expect_err("the second one");
    assert_eq!(
        mistake.to_string(),
        "the port GreetingApi of greeting has two implementations in this program"
    );
    assert_eq!(ports.served().len(), 1);
}

struct Empty;

#[async_trait]
impl EventInbox for Empty {
    async fn deliver(
        &self,
        ctx: &CallContext,
        _batch: EventBatch,
    ) -> Result<Receipt, DeliveryError> {
        ctx.mark_recorded();
        Ok(Receipt { taken: Vec::new() })
    }
}

#[tokio::test]
async fn every_module_has_an_inbox_of_its_own() {
    let remote = Placement::Remote(Arc::new(Elsewhere));
    let ports = Ports::new([("greeting".to_owned(), remote)]);
    assert!(ports.inbox_client("billing").is_none());
    ports.provide_inbox("billing", Arc::new(Empty)).expect("the first one");
    ports.provide_inbox("auth", Arc::new(Empty)).expect("another module's");
    assert!(ports.provide_inbox("billing", Arc::new(Empty)).is_err());
    assert!(ports.inbox_client("billing").is_some());
    assert!(ports.inbox_client("greeting").is_some(), "it is placed in another process");
    let served: Vec<_> =
        ports.served().into_iter().map(|port| (port.service, port.dispatch.port().name)).collect();
    let inbox = |service: &str| (service.to_owned(), EVENT_INBOX);
    assert_eq!(served, [inbox("billing"), inbox("auth")]);
}

#[tokio::test]
async fn calls_are_counted_by_who_makes_them_and_how_they_go() {
    for (placement, transport) in [
        (Placement::Direct, "direct"),
        (Placement::Loopback(Repeat::Never), "loopback"),
        (Placement::Remote(Arc::new(Elsewhere)), "elsewhere"),
    ] {
        let ports = placed(placement);
        ports.provide::<dyn GreetingApi>(Arc::new(Polite::default())).expect("the first one");
        for caller in ["billing", "auth", "billing"] {
            greeted(&ports.called_by(caller).client()).await.expect("a greeting");
        }
        let read = ports.meter().read();
        let counted: Vec<_> = read
            .iter()
            .map(|it| (it.caller.as_str(), it.service.as_str(), it.transport.as_str(), it.calls))
            .collect();
        let expected = [("auth", "greeting", transport, 1), ("billing", "greeting", transport, 2)];
        assert_eq!(counted, expected);
    }
}

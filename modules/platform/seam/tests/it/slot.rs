use std::sync::Arc;

use seam::{CallFailure, CallKind, Port, Slot};

use crate::counter::{Care, Counter, CounterApi, context};

#[test]
fn a_port_is_known_by_its_descriptor() {
    let port = <dyn CounterApi>::descriptor();
    assert_eq!((port.service, port.name, port.version), ("counter", "CounterApi", 3));
    let methods: Vec<_> = port.methods.iter().map(|method| (method.name, method.kind)).collect();
    assert_eq!(methods, [("count", CallKind::Write), ("total", CallKind::Read)]);
}

#[tokio::test]
async fn clients_can_be_made_before_their_callee() {
    let slot = Slot::empty();
    let client = <dyn CounterApi>::direct(slot.clone());
    let failed = client.total(&context()).await.expect_err("nobody is there");
    assert_eq!(failed, CallFailure::unavailable("counter").into());
    let counter: Arc<dyn CounterApi> = Counter::new(Care::Careful);
    assert!(slot.fill(Arc::clone(&counter)));
    assert_eq!(client.total(&context()).await.expect("a total").total, 0);
    assert!(!slot.fill(counter), "the first one stays");
}

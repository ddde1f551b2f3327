use std::sync::{Arc, atomic::Ordering};

use seam::{Loopback, Port, Repeat, Slot};

use crate::counter::{Care, Counter, CounterApi, CounterError, Step, Total, context};

fn client(counter: &Arc<Counter>, repeat: Repeat) -> Arc<dyn CounterApi> {
    let implementation: Arc<dyn CounterApi> = counter.clone();
    let server = <dyn CounterApi>::server(Slot::filled(implementation));
    <dyn CounterApi>::remote(Arc::new(Loopback::new("counter", server, repeat)))
}

/// The message of the panic that counting through the loopback ends in.
async fn complaint(care: Care) -> String {
    let client = client(&Counter::new(care), Repeat::Always);
    let counting = tokio::spawn(async move { client.count(&context(), Step { by: 2 }).await });
    let panic = counting.await.expect_err("the loopback complains").into_panic();
    panic.downcast_ref::<String>().expect("a message").clone()
}

#[tokio::test]
async fn calls_arrive_as_often_as_the_test_asks_for() {
    for (repeat, arrivals) in [(Repeat::Never, 4), (Repeat::EverySecond, 6), (Repeat::Always, 8)] {
        let counter = Counter::new(Care::Careful);
        let client = client(&counter, repeat);
        for _ in 0..4 {
            client.total(&context()).await.expect("a total");
        }
        assert_eq!(counter.arrivals.load(Ordering::SeqCst), arrivals, "{repeat:?}");
    }
}

#[tokio::test]
async fn a_careful_write_passes() {
    let client = client(&Counter::new(Care::Careful), Repeat::Always);
    let total = client.count(&context(), Step { by: 2 }).await.expect("counted");
    assert_eq!(total, Total { total: 2, last: Some(Step { by: 2 }) });
}

#[tokio::test]
async fn a_refusal_may_be_repeated_too() {
    let counter = Counter::new(Care::Careful);
    let client = client(&counter, Repeat::Always);
    let refused = client.count(&context(), Step { by: 11 }).await;
    assert_eq!(refused, Err(CounterError::TooFar { limit: 10 }));
    assert_eq!(counter.arrivals.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_write_that_answers_its_repetition_differently_is_caught() {
    let message = complaint(Care::Careless).await;
    assert!(
        message.contains("CounterApi.count is a write and answered its repetition"),
        "{message}"
    );
}

#[tokio::test]
async fn a_write_that_records_nothing_is_caught() {
    let message = complaint(Care::Unrecorded).await;
    assert!(message.contains("CounterApi.count is a write and returned without rec"), "{message}");
    assert!(message.contains("do its work inside the store's `once`"), "{message}");
}

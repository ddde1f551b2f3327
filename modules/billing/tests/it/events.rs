//! What billing hears from others.

use auth_api::TenantCreated;
use kernel::{Envelope, Event, EventId, TenantId, UserId};
use seam::EventBatch;
use testing::{noon, tenant_context};
use uuid::Uuid;

use crate::support::{Bench, tenant};

#[tokio::test]
async fn the_owner_of_a_new_tenant_takes_a_seat_once() {
    let bench = Bench::new().await;
    for _ in 0..2 {
        deliver(&bench, created(tenant(1), tenant(1))).await;
    }
    let entitlements = bench.api().entitlements(&tenant_context(tenant(1))).await;
    assert_eq!(entitlements.expect("entitlements").seats.used, 1);
    let holder = format!("user:{}", Uuid::from_u128(9));
    let seat = billing_api::SeatRequest { holder };
    let seat = bench.api().reserve_seat(&tenant_context(tenant(1)), seat).await;
    assert_eq!(seat.expect("the seat that is there").usage.used, 1);
}

#[tokio::test]
async fn an_event_that_contradicts_its_envelope_is_parked() {
    let bench = Bench::new().await;
    deliver(&bench, created(tenant(1), tenant(2))).await;
    let backlog = bench.engine.backlog().await.expect("a backlog");
    assert_eq!(backlog.dead, 1, "{backlog:?}");
    for n in [1, 2] {
        let entitlements = bench.api().entitlements(&tenant_context(tenant(n))).await;
        assert_eq!(entitlements.expect("entitlements").seats.used, 0);
    }
}

async fn deliver(bench: &Bench, envelope: Envelope) {
    let id = envelope.id;
    let ctx = tenant_context(tenant(1));
    let batch = EventBatch { envelopes: vec![envelope] };
    let receipt = bench.engine.inbox().deliver(&ctx, batch).await.expect("a receipt");
    assert_eq!(receipt.taken, [id]);
    bench.deliver().await;
}

fn created(of: TenantId, tells_of: TenantId) -> Envelope {
    let owner = UserId(Uuid::from_u128(9));
    let event = TenantCreated { tenant: tells_of, name: "Ada & Co".to_owned(), owner };
    Envelope {
        id: EventId(Uuid::from_u128(77)),
        event_type: TenantCreated::TYPE.to_owned(),
        version: TenantCreated::VERSION,
        source: "auth".to_owned(),
        tenant: Some(of),
        aggregate: event.aggregate(),
        occurred_at: noon(),
        traceparent: None,
        payload: serde_json::to_value(event).expect("JSON"),
    }
}

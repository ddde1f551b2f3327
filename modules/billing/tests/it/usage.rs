//! Usage over HTTP.

use std::{collections::BTreeMap, time::Duration};

use insta::assert_json_snapshot;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};
use storage::SystemScope;

use crate::support::{Answer, Bench, check_problem};

#[actix_web::test]
async fn usage_counts_once_and_in_its_month() {
    let bench = Bench::new().await;
    let first = report(
        &bench,
        json!([
            event("a", 5, "2026-03-01T00:00:00Z"),
            event("b", 7, "2026-02-28T23:59:59.999Z"),
            event("c", 11, "2026-03-01T01:00:00+02:00"),
        ]),
    )
    .await;
    assert_eq!((first.status, &first.body), (200, &json!({ "counted": 3, "repeated": 0 })));
    // An id counts once, whatever is said of it later.
    let again = report(&bench, json!([event("a", 100, "2026-03-01T00:00:00Z")])).await;
    assert_eq!(again.body, json!({ "counted": 0, "repeated": 1 }));

    let usage = bench.get("owner@1", "/v1/billing/usage").await;
    assert_eq!(usage.status, 200);
    assert_json_snapshot!(usage.body);
    let foreign = bench.get("owner@2", "/v1/billing/usage").await;
    assert_eq!(foreign.body, json!({ "items": [] }));
}

#[actix_web::test]
async fn totals_come_in_pages() {
    let bench = Bench::new().await;
    let storage = json!({
        "id": "c", "meter": "storage_gb_hours", "quantity": 3, "at": "2026-03-01T00:00:00Z"
    });
    let events = json!([
        event("a", 1, "2026-02-01T00:00:00Z"),
        event("b", 2, "2026-03-01T00:00:00Z"),
        storage
    ]);
    assert_eq!(report(&bench, events).await.status, 200);
    let mut quantities = Vec::new();
    let mut path = "/v1/billing/usage?limit=1".to_owned();
    loop {
        let page = bench.get("owner@1", &path).await;
        let items = page.body["items"].as_array().expect("items").clone();
        quantities.extend(items.iter().map(|item| item["quantity"].as_i64()));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("/v1/billing/usage?limit=1&cursor={cursor}");
    }
    quantities[..2].sort_unstable();
    assert_eq!(quantities, [Some(2), Some(3), Some(1)], "the latest month first");
}

#[actix_web::test]
async fn what_cannot_be_counted_is_422_and_counts_nothing() {
    let bench = Bench::new().await;
    let good = || event("good", 1, "2026-03-01T00:00:00Z");
    let change = |member: &str, value: Value| {
        let mut event = good();
        event["id"] = json!("bad");
        event[member] = value;
        json!([good(), event])
    };
    for (body, slug) in [
        (change("meter", json!("coffee")), "unknown-meter"),
        (change("quantity", json!(0)), "invalid-body"),
        (change("quantity", json!(-1)), "invalid-body"),
        (change("quantity", json!(1_000_000_001)), "invalid-body"),
        (change("id", json!("")), "invalid-body"),
        (change("id", json!("i".repeat(256))), "invalid-body"),
        (change("at", json!("2026-03-01T12:05:01Z")), "invalid-body"),
        (change("at", json!("2026-01-25T11:59:59Z")), "invalid-body"),
        (change("at", json!("yesterday")), "invalid-body"),
        (change("colour", json!("red")), "invalid-body"),
        (json!([]), "invalid-body"),
        (json!(vec![good(); 1_001]), "invalid-body"),
        (good(), "invalid-body"),
    ] {
        let answer = report(&bench, body).await;
        assert_eq!((answer.status, answer.slug()), (422, slug), "{answer:#?}");
    }
    check_problem(&report(&bench, change("meter", json!("coffee"))).await, 422, "unknown-meter");
    let usage = bench.get("owner@1", "/v1/billing/usage").await;
    assert_eq!(usage.body, json!({ "items": [] }));
}

#[actix_web::test]
async fn a_thousand_events_count_at_once() {
    let bench = Bench::new().await;
    let events: Vec<_> = (0..1_000)
        .map(|n| event(&format!("e{n}"), 1_000_000_000, "2026-03-01T00:00:00Z"))
        .collect();
    let answer = report(&bench, json!(events)).await;
    assert_eq!(answer.body, json!({ "counted": 1_000, "repeated": 0 }), "{answer:#?}");
    let usage = bench.get("owner@1", "/v1/billing/usage").await;
    assert_eq!(usage.body["items"][0]["quantity"], 1_000_000_000_000_i64);
}

/// However events are shuffled, repeated and cut into batches: each id counts once.
#[test]
fn usage_counts_once_in_any_order_and_number() {
    let sending = prop::collection::vec((0_u8..12, 1_u64..1_000, any::<bool>()), 1..40);
    let shuffled = sending.prop_flat_map(|events| {
        let sizes = prop::collection::vec(1_usize..8, events.len());
        (Just(events).prop_shuffle(), sizes)
    });
    let mut runner = TestRunner::new(ProptestConfig { cases: 24, ..ProptestConfig::default() });
    let outcome = runner.run(&shuffled, |(events, sizes)| {
        actix_web::rt::System::new().block_on(check_sending(&events, &sizes))
    });
    outcome.expect("each id counts once");
}

async fn check_sending(events: &[(u8, u64, bool)], sizes: &[usize]) -> Result<(), TestCaseError> {
    let bench = Bench::new().await;
    let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
    let mut known: BTreeMap<u8, u64> = BTreeMap::new();
    let mut rest = events;
    for size in sizes {
        let (batch, later) = rest.split_at((*size).min(rest.len()));
        rest = later;
        if batch.is_empty() {
            break;
        }
        let mut counted = 0;
        for (id, quantity, in_march) in batch {
            if known.insert(*id, *quantity).is_none() {
                counted += 1;
                *expected.entry(month(*in_march)).or_default() +=
                    i64::try_from(*quantity).expect("small");
            }
        }
        let body: Vec<_> = batch
            .iter()
            .map(|(id, quantity, in_march)| event(&id.to_string(), *quantity, month(*in_march)))
            .collect();
        let answer = report(&bench, json!(body)).await;
        let repeated = batch.len() - counted;
        prop_assert_eq!(answer.body, json!({ "counted": counted, "repeated": repeated }));
    }
    let usage = bench.get("owner@1", "/v1/billing/usage").await;
    let items = usage.body["items"].as_array().expect("items").clone();
    let totals: BTreeMap<_, _> = items
        .iter()
        .map(|item| {
            (
                item["period_start"].as_str().expect("a time"),
                item["quantity"].as_i64().expect("units"),
            )
        })
        .collect();
    prop_assert_eq!(totals, expected);
    Ok(())
}

fn month(in_march: bool) -> &'static str {
    if in_march { "2026-03-01T00:00:00Z" } else { "2026-02-01T00:00:00Z" }
}

/// What was counted is forgotten in the end, and still counts once: what is as old as that is not
/// taken again.
#[actix_web::test]
async fn what_was_counted_long_ago_is_forgotten_and_counts_no_more() {
    const DAY: Duration = Duration::from_secs(86_400);
    static LOOK: SystemScope =
        SystemScope { name: "test.look", why: "a test sees what is forgotten" };

    let bench = Bench::new().await;
    let known = async || {
        let events = bench.store.system(&LOOK).find::<usage_events::Entity>();
        events.count().await.expect("a count")
    };
    let first = json!([event("a", 5, "2026-03-01T00:00:00Z")]);
    report(&bench, first.clone()).await;
    bench.store.clock().advance(60 * DAY);
    report(&bench, json!([event("b", 7, "2026-04-30T00:00:00Z")])).await;
    bench.store.clock().advance(30 * DAY);
    bench.sweep().await;
    assert_eq!(known().await, 2, "90 days are not over");
    bench.store.clock().advance(Duration::from_secs(1));
    bench.sweep().await;
    assert_eq!(known().await, 1);
    check_problem(&report(&bench, first).await, 422, "invalid-body");
    let usage = bench.get("owner@1", "/v1/billing/usage").await;
    let quantities: Vec<_> = usage.body["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["quantity"].as_i64())
        .collect();
    assert_eq!(quantities, [Some(7), Some(5)], "the totals stay");
}

/// The table of what was counted, as far as it is looked at here.
mod usage_events {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "usage_events")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub event_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

async fn report(bench: &Bench, events: Value) -> Answer {
    bench.post("owner@1", "/v1/billing/usage-events", events).await
}

fn event(id: &str, quantity: u64, at: &str) -> Value {
    json!({ "id": id, "meter": "api_calls", "quantity": quantity, "at": at })
}

//! Many at once. On an engine with several writers these really meet.

use auth_api::VerificationRequested;
use futures_util::future::join_all;
use kernel::{CallKey, Clock, Principal, Role, UserId};
use notifications_api::Notice;
use uuid::Uuid;

use crate::{
    harness::{House, event_id, service, stored_mails, tenant},
    http::inbox_of,
};

#[actix_web::test]
async fn a_call_that_arrives_many_times_at_once_is_one_entry() {
    let (house, tenant) = (House::open().await, tenant());
    let notice = Notice { kind: "project.archived".into(), title: "t".into(), body: String::new() };
    // A context of its own for each: of one, every call has a key of its own.
    let under_k =
        || service(Principal::service_for("projects", tenant)).with_key(CallKey::new("k"));
    let calls = (0..30).map(|_| {
        let (ctx, port, notice) = (under_k(), &house.port, notice.clone());
        async move { port.notify(&ctx, notice).await }
    });
    let ids = join_all(calls).await;
    assert!(ids.iter().all(|id| id.is_ok() && *id == ids[0]), "{ids:?}");
    let seen = inbox_of(&house, tenant, Role::Member).await;
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{seen:#}");
}

#[actix_web::test]
async fn an_event_that_many_deliver_at_once_is_one_mail() {
    let (house, tenant, id) = (House::open().await, tenant(), event_id());
    let event = VerificationRequested {
        user: UserId(Uuid::now_v7()),
        email: "ada@example.com".to_owned(),
        name: "Ada".to_owned(),
        sealed_token: house.sealed::<VerificationRequested>("token"),
        expires_at: house.clock.now() + std::time::Duration::from_secs(3_600),
    };
    join_all((0..20).map(|_| house.deliver(tenant, id, &event))).await;
    assert_eq!(house.work().await.len(), 1);
    assert_eq!(stored_mails(&house, tenant).await.len(), 1);
}

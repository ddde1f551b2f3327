//! The contract of `NotificationsApi`, over each client.

use kernel::{CallContext, CallKey, Principal, Role, TenantId, UserId};
use module::Placement;
use notifications_api::{Notice, NotifyError};
use seam::{CallFailure, Repeat};
use testing::Client;
use uuid::Uuid;

use crate::{
    harness::{House, service, tenant},
    http::inbox_of,
};

/// Runs each check over the direct client, over the wire, where every call arrives twice, and over
/// HTTP.
macro_rules! over_each_client {
    ($($check:ident),+ $(,)?) => {$(
        mod $check {
            use super::*;

            #[actix_web::test]
            async fn direct() {
                super::$check(House::placed(Placement::Direct).await).await;
            }

            #[actix_web::test]
            async fn loopback() {
                super::$check(House::placed(Placement::Loopback(Repeat::Always)).await).await;
            }

            #[actix_web::test]
            async fn http() {
                let mut house = House::placed(Placement::Direct).await;
                house.port = Client::Http.of(house.port);
                super::$check(house).await;
            }
        }
    )+};
}

over_each_client!(
    a_notice_reaches_the_tenants_members,
    a_repetition_adds_nothing,
    a_key_is_bound_to_its_argument,
    a_caller_without_a_tenant_is_refused,
    a_value_out_of_bounds_is_refused_and_nothing_kept,
    no_work_is_done_for_a_caller_whose_time_is_up,
);

fn notice(title: &str) -> Notice {
    Notice { kind: "project.archived".to_owned(), title: title.to_owned(), body: String::new() }
}

fn under(tenant: TenantId, key: &str) -> CallContext {
    service(Principal::service_for("projects", tenant)).with_key(CallKey::new(key))
}

async fn a_notice_reaches_the_tenants_members(house: House) {
    let (mine, other) = (tenant(), tenant());
    let id = house.port.notify(&under(mine, "k"), notice("Archived")).await.expect("accepted");
    let seen = inbox_of(&house, mine, Role::Member).await;
    assert_eq!(seen["items"][0]["id"], id.to_string());
    assert_eq!(seen["items"][0]["title"], "Archived");
    assert_eq!(inbox_of(&house, other, Role::Owner).await["items"], serde_json::json!([]));

    let (user, role) = (UserId(Uuid::now_v7()), Role::Member);
    let person = service(Principal::User { user, tenant: mine, role });
    house.port.notify(&person, notice("By a person")).await.expect("accepted");
}

async fn a_repetition_adds_nothing(house: House) {
    let tenant = tenant();
    let first = house.port.notify(&under(tenant, "k"), notice("Once")).await;
    let again = house.port.notify(&under(tenant, "k"), notice("Once")).await;
    assert_eq!(first, again);
    let seen = inbox_of(&house, tenant, Role::Member).await;
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{seen:#}");
}

async fn a_key_is_bound_to_its_argument(house: House) {
    let tenant = tenant();
    house.port.notify(&under(tenant, "k"), notice("One")).await.expect("accepted");
    let other = house.port.notify(&under(tenant, "k"), notice("Another")).await;
    let incompatible = matches!(other, Err(NotifyError::Call(CallFailure::Incompatible { .. })));
    assert!(incompatible, "{other:?}");
    let seen = inbox_of(&house, tenant, Role::Member).await;
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{seen:#}");
}

async fn a_caller_without_a_tenant_is_refused(house: House) {
    for nobody in [Principal::Anonymous, Principal::service("projects")] {
        let refused = house.port.notify(&service(nobody), notice("For whom?")).await;
        assert_eq!(refused, Err(NotifyError::Forbidden));
    }
}

async fn a_value_out_of_bounds_is_refused_and_nothing_kept(house: House) {
    let tenant = tenant();
    let refused = house.port.notify(&under(tenant, "k"), notice("two\nlines")).await;
    assert!(matches!(refused, Err(NotifyError::Invalid { .. })), "{refused:?}");
    let again = house.port.notify(&under(tenant, "k"), notice("two\nlines")).await;
    assert_eq!(refused, again);
    assert_eq!(inbox_of(&house, tenant, Role::Owner).await["items"], serde_json::json!([]));
}

async fn no_work_is_done_for_a_caller_whose_time_is_up(house: House) {
    let tenant = tenant();
    let late = under(tenant, "k").with_time(std::time::Duration::ZERO);
    let refused = house.port.notify(&late, notice("Too late")).await;
    let failure = CallFailure::deadline_exceeded("notifications");
    assert_eq!(refused, Err(NotifyError::Call(failure)));
    assert_eq!(inbox_of(&house, tenant, Role::Owner).await["items"], serde_json::json!([]));
}

//! The port, over each client.

use std::{sync::Arc, time::Duration};

use auth_api::{AuthApi, AuthError, ContactQuery};
use kernel::{CallContext, CallId, Principal, Role, TenantId, UserId};
use seam::CallFailure;
use testing::{Client, anonymous_context, clients_of, tenant_context, user_context};

use crate::support::App;

/// The module as each client reaches it.
fn clients(app: &App) -> [(Client, Arc<dyn AuthApi>); 3] {
    clients_of::<dyn AuthApi>(app.auth_api())
}

#[actix_web::test]
async fn the_keys_are_those_of_the_key_set() {
    let app = App::start().await;
    let published = app.get("/.well-known/jwks.json").await;
    assert_eq!(published.status, 200);
    assert_eq!(published.headers["cache-control"], "public, max-age=300");
    for (client, auth) in clients(&app) {
        let keys = auth.signing_keys(&anonymous_context()).await.expect("keys");
        assert_eq!(serde_json::json!({ "keys": keys.keys }), published.body, "{client}");
        assert!(keys.keys[0].get("d").is_none(), "{client}: no private part");
    }
}

#[actix_web::test]
async fn contacts_are_the_members_of_the_calling_tenant_oldest_first() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.owner("foreign@example.com").await;
    for (email, role) in [("admin@example.com", "admin"), ("member@example.com", "member")] {
        app.advance(Duration::from_secs(1));
        app.member(&ada, email, role).await;
    }
    let tenant = app.tenant_of(&ada).await;
    for (client, auth) in clients(&app) {
        let emails = async |at_least| -> Vec<String> {
            let query = ContactQuery { at_least };
            let contacts = auth.contacts(&tenant_context(tenant), query).await.expect("contacts");
            assert!(contacts.iter().all(|contact| contact.tenant == tenant), "{client}");
            assert!(contacts.iter().all(|contact| contact.role >= at_least), "{client}");
            contacts.into_iter().map(|contact| contact.email).collect()
        };
        let all = ["ada@example.com", "admin@example.com", "member@example.com"];
        assert_eq!(emails(Role::Member).await, all, "{client}");
        assert_eq!(emails(Role::Admin).await, all[..2], "{client}");
        assert_eq!(emails(Role::Owner).await, all[..1], "{client}");
    }
}

#[actix_web::test]
async fn an_address_that_is_not_verified_is_nobodys_contact() {
    let app = App::start().await;
    app.register("ada@example.com").await;
    let created = app.heard::<auth_api::TenantCreated>().await;
    for (client, auth) in clients(&app) {
        let query = ContactQuery { at_least: Role::Member };
        let contacts = auth.contacts(&tenant_context(created[0].tenant), query).await;
        assert_eq!(contacts, Ok(Vec::new()), "{client}");
    }
}

#[actix_web::test]
async fn contacts_are_for_services_at_work_for_a_tenant() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    let tenant = app.tenant_of(&ada).await;
    let allowed = Duration::from_secs(30);
    for (client, auth) in clients(&app) {
        let of_no_tenant =
            CallContext::new(Principal::service("billing"), CallId::random(), allowed);
        let user = user_context(UserId(tenant.0), tenant, Role::Owner);
        for ctx in [anonymous_context(), of_no_tenant, user] {
            let query = ContactQuery { at_least: Role::Owner };
            let refused = auth.contacts(&ctx, query).await;
            assert_eq!(refused, Err(AuthError::Forbidden), "{client} {ctx:?}");
        }
    }
}

#[actix_web::test]
async fn a_tenant_that_is_not_there_has_no_contacts() {
    let app = App::start().await;
    for (client, auth) in clients(&app) {
        let ctx = tenant_context(TenantId(CallId::random().0));
        let contacts = auth.contacts(&ctx, ContactQuery { at_least: Role::Member }).await;
        assert_eq!(contacts, Ok(Vec::new()), "{client}");
    }
}

#[actix_web::test]
async fn a_call_without_time_is_not_made() {
    let app = App::start().await;
    for (client, auth) in clients(&app) {
        let ctx = CallContext::new(Principal::Anonymous, CallId::random(), Duration::ZERO);
        let refused = auth.signing_keys(&ctx).await;
        let expected = AuthError::Call(CallFailure::deadline_exceeded("auth"));
        assert_eq!(refused, Err(expected), "{client}");
    }
}

//! The port, over each client.

use std::{sync::Arc, time::Duration};

use auth_api::{
    AuthApi, ContactQuery,
    testing::{KnownTenant, auth_contract},
};
use kernel::Role;
use testing::{Client, anonymous_context, clients_of, tenant_context};

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
    }
}

#[actix_web::test]
async fn keeps_its_contract_over_each_client() {
    let app = App::start().await;
    let ada = app.owner("ada@example.com").await;
    app.owner("foreign@example.com").await;
    let mut members = vec![("ada@example.com".to_owned(), Role::Owner)];
    for (email, name, role) in [
        ("admin@example.com", "admin", Role::Admin),
        ("member@example.com", "member", Role::Member),
    ] {
        app.advance(Duration::from_secs(1));
        app.member(&ada, email, name).await;
        members.push((email.to_owned(), role));
    }
    let known = KnownTenant { tenant: app.tenant_of(&ada).await, members };
    for (_, auth) in clients(&app) {
        auth_contract(&*auth, &known).await;
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

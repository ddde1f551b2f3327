//! What stands in for others here keeps their contracts.

use std::sync::Arc;

use auth_api::{
    AuthApi,
    testing::{KnownTenant, auth_contract},
};
use kernel::Role;
use notifications_api::{
    MODULE,
    testing::{Repetition, email_sender_contract},
};
use notifications_migrations::Migrator;
use testing::{TestStore, clients_of};

use crate::harness::{Contacts, Provider, tenant};

#[actix_web::test]
async fn auth_keeps_its_contract() {
    let auth = Arc::new(Contacts::default());
    let tenant = tenant();
    auth.know(self::tenant(), "Foreign", Role::Owner);
    let mut members = Vec::new();
    for (name, role) in [("Ada", Role::Owner), ("Grace", Role::Admin), ("Edith", Role::Member)] {
        auth.know(tenant, name, role);
        members.push((format!("{}@example.com", name.to_lowercase()), role));
    }
    let known = KnownTenant { tenant, members };
    for (_, auth) in clients_of::<dyn AuthApi>(auth) {
        auth_contract(&*auth, &known).await;
    }
}

#[actix_web::test]
async fn the_mail_provider_keeps_its_contract() {
    let store = TestStore::open::<Migrator>(MODULE.name).await.expect("a store");
    let provider = Provider::new(store.store());
    email_sender_contract(&provider, &provider, Repetition::SentAgain).await;
}

//! What stands in for other modules here keeps their contracts.

use std::sync::Arc;

use auth_migrations::Migrator;
use billing_api::{BillingApi, testing::billing_contract};
use testing::{CLIENTS, TestStore, noon};

use crate::support::FakeBilling;

#[actix_web::test]
async fn billing_keeps_its_contract() {
    let store = TestStore::open::<Migrator>("auth").await.expect("a store");
    for client in CLIENTS {
        let billing: Arc<dyn BillingApi> = Arc::new(FakeBilling::with_seats(2, store.store()));
        billing_contract(&*client.of(billing), noon()).await;
    }
}

//! Logins that are refused while a store is open.

use storage::{PostgresConfig, Store, StoreError};

use super::module::OwnModule;
use crate::{
    entities::Migrator,
    world::{context, ours},
};

async fn open() -> (OwnModule, Store) {
    let module = OwnModule::migrated::<Migrator>().await;
    let config = PostgresConfig { connections: 2, ..module.database().config() };
    let store = module.open_with::<Migrator>(config).await.expect("a store");
    (module, store)
}

#[tokio::test]
async fn a_refused_login_under_way_is_busy() {
    let (module, store) = open().await;
    let _held = store.write(&context(ours())).await.expect("a transaction");
    module.run("ALTER ROLE {m}_app NOLOGIN").await;
    let refused = store.write(&context(ours())).await.expect_err("no login");
    assert!(matches!(refused, StoreError::Busy { .. }), "nothing was done: {refused:?}");
    module.run("ALTER ROLE {m}_app LOGIN").await;
    store.write(&context(ours())).await.expect("and it goes on");
}

/// A store whose system role gets through, and whose requests do not, is of no use to anybody.
#[tokio::test]
async fn a_store_of_which_one_role_is_shut_out_does_not_answer() {
    let (module, store) = open().await;
    store.ping().await.expect("an answer");
    for role in ["{m}_app", "{m}_system"] {
        module.run(&format!("ALTER ROLE {role} NOLOGIN")).await;
        // A connection that is open stays so, whatever becomes of its role.
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ";
        module.run(&format!("{end}'{role}'")).await;
        let refused = store.ping().await.expect_err("no login");
        assert!(matches!(refused, StoreError::Busy { .. }), "{role}: {refused:?}");
        module.run(&format!("ALTER ROLE {role} LOGIN")).await;
        store.ping().await.expect("it answers again");
    }
}

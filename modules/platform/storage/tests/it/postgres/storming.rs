//! The storm, straight onto the server.

use storage::PostgresConfig;

use super::{Notes, texts};
use crate::storm::{check_no_connection_is_missing, check_whole, storm};

const CONNECTIONS: u32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn tenants_that_are_cut_off_and_panic_leave_nothing_to_each_other() {
    let notes = Notes::new().await;
    let config = PostgresConfig {
        connections: CONNECTIONS,
        system_connections: CONNECTIONS,
        acquire_time: std::time::Duration::from_secs(60),
        ..notes.config()
    };
    let store = notes.open(config).await;
    let storm = storm(&store, 0x5eed, 300, 3_000).await;
    assert!(storm.finished > 500 && storm.cut_off > 300 && storm.panicked > 100, "{storm:?}");
    check_whole(&store).await;
    check_no_connection_is_missing(&store, CONNECTIONS as usize).await;

    // What is left of the last ones is undone: nobody has a transaction open, and nobody has
    // more connections than the store may have.
    let superuser = notes.superuser().await;
    let sessions = "SELECT format('%s %s', usename, state) FROM pg_stat_activity \
                    WHERE datname = current_database() AND application_name = 'ashlar notes'";
    let settled = async {
        while texts(&superuser, sessions).await.iter().any(|session| !session.ends_with(" idle")) {
            tokio::task::yield_now().await;
        }
    };
    let settled = tokio::time::timeout(std::time::Duration::from_secs(10), settled).await;
    settled.expect("all is ended");
    let sessions = texts(&superuser, sessions).await;
    for role in ["notes_app", "notes_system"] {
        let of_role = sessions.iter().filter(|session| session.starts_with(role)).count();
        assert!(of_role <= CONNECTIONS as usize, "{sessions:?}");
    }
}

//! What is counted of the database.

use std::time::Duration;

use storage::{PostgresConfig, StoreError};
use telemetry::metrics::testing::Gathered;

use super::{Notes, run};
use crate::world::{context, note, ours};

#[tokio::test]
async fn what_row_level_security_refuses_is_counted() {
    let gathered = Gathered::begin();
    let notes = Notes::new().await;
    let store = notes.open(notes.config()).await;
    assert_eq!(
        gathered.sum("ashlar.rls.refusals", &[]),
        Some(0.0),
        "so that it can be seen to grow"
    );
    let sabotage = "ALTER POLICY tenant_rows ON notes.notes WITH CHECK (false)";
    run(&notes.superuser().await, sabotage).await;
    let tx = store.write(&context(ours())).await.expect("a transaction");
    let refused = tx.insert(note(1, "one")).await.expect_err("no row passes");
    assert!(matches!(refused, StoreError::Database { .. }), "{refused:?}");
    assert_eq!(gathered.sum("ashlar.rls.refusals", &[]), Some(1.0));
}

#[tokio::test]
async fn who_waits_for_a_connection_is_counted() {
    let gathered = Gathered::begin();
    let notes = Notes::new().await;
    let config = PostgresConfig {
        connections: 1,
        acquire_time: Duration::from_millis(50),
        ..notes.config()
    };
    let store = notes.open(config).await;
    assert_eq!(gathered.sum("db.client.connection.timeouts", &[]), Some(0.0));
    let held = store.write(&context(ours())).await.expect("a transaction");
    let before = gathered.sum("db.client.connection.wait_time", &[]).expect("a wait");
    let refused = store.write(&context(ours())).await.map(drop).expect_err("there is one only");
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    assert_eq!(gathered.sum("db.client.connection.timeouts", &[]), Some(1.0));
    assert_eq!(gathered.sum("db.client.connection.wait_time", &[]), Some(before), "there was none");
    assert!(gathered.sum("db.client.connection.count", &[]) >= Some(1.0));
    held.commit().await.expect("a commit");
}

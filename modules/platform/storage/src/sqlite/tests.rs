use proptest::prelude::*;
use sea_orm::{ConnectionTrait, DbBackend, Values};
use tempfile::TempDir;

use super::*;

fn database(patience: Duration) -> (TempDir, Sqlite) {
    let folder = TempDir::new().expect("a temporary folder");
    let database = Sqlite::open("notes", &folder.path().join("notes.db"), patience);
    (folder, database.expect("a database"))
}

/// SQLite rolls back by itself on some errors, a full disk among them, and the driver loses count
/// of its transactions: on the same connection the next would begin as a savepoint.
#[tokio::test]
async fn a_connection_that_rolled_back_by_itself_is_replaced() {
    let (_folder, database) = database(PATIENCE);
    let tx = database.begin().await.expect("a transaction");
    tx.execute_unprepared("CREATE TABLE t (id INTEGER PRIMARY KEY)").await.expect("a table");
    tx.execute_unprepared("CREATE TEMP TABLE of_this_connection (id)").await.expect("a table");
    tx.execute_unprepared("INSERT INTO t VALUES (1)").await.expect("a row");
    tx.commit().await.expect("a commit");

    let tx = database.begin().await.expect("a transaction");
    tx.execute_unprepared("INSERT INTO t VALUES (2)").await.expect("a row");
    let collision = tx.execute_unprepared("INSERT OR ROLLBACK INTO t VALUES (1)").await;
    assert!(collision.is_err());
    drop(tx);

    let tx = database.begin().await.expect("a transaction");
    assert!(tx.execute_unprepared("SELECT * FROM of_this_connection").await.is_err());
    drop(tx);
    let tx = database.begin().await.expect("a transaction");
    tx.execute_unprepared("INSERT INTO t VALUES (3)").await.expect("a row");
    tx.commit().await.expect("a commit");
    let count = Statement::from_string(DbBackend::Sqlite, "SELECT COUNT(*) AS n FROM t");
    let row = database.readers().query_one_raw(count).await.expect("an answer").expect("a row");
    assert_eq!(row.try_get::<i64>("", "n").expect("a number"), 2);
}

#[tokio::test]
async fn who_waits_too_long_for_the_writer_is_told_that_nothing_was_done() {
    let (_folder, database) = database(Duration::from_millis(1));
    // The first may find that even opening the file takes longer than that.
    let held = loop {
        if let Ok(tx) = database.begin().await {
            break tx;
        }
    };
    let error = database.begin().await.expect_err("there is one writer");
    let explained = explain("notes", error);
    assert!(matches!(explained, StoreError::Busy { .. }), "{explained:?}");
    assert!(seam::CallFailure::from(explained).is_certainly_not_done());
    drop(held);
}

#[tokio::test]
async fn readers_cannot_write() {
    let (_folder, database) = database(PATIENCE);
    let tx = database.begin().await.expect("a transaction");
    tx.execute_unprepared("CREATE TABLE t (id INTEGER PRIMARY KEY)").await.expect("a table");
    tx.commit().await.expect("a commit");
    let refused = database.readers().execute_unprepared("INSERT INTO t VALUES (1)").await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn it_is_set_up_as_meant() {
    let (_folder, database) = database(PATIENCE);
    let tx = database.begin().await.expect("a transaction");
    let pragma = async |name: &str| {
        let ask = Statement::from_string(DbBackend::Sqlite, format!("PRAGMA {name}"));
        let row = tx.query_one_raw(ask).await.expect("an answer").expect("a row");
        row.try_get_by_index::<i64>(0).map_or_else(
            |_| row.try_get_by_index::<String>(0).expect("text"),
            |number| number.to_string(),
        )
    };
    assert_eq!(pragma("journal_mode").await, "wal");
    assert_eq!(pragma("foreign_keys").await, "1");
    assert_eq!(pragma("synchronous").await, "2", "FULL");
    assert_eq!(pragma("busy_timeout").await, PATIENCE.as_millis().to_string());
}

#[test]
fn reads_the_columns_of_a_unique_key() {
    let key = unique_key("UNIQUE constraint failed: users.tenant_id, users.email");
    assert!(key.is_on("users", "email"));
    assert!(key.is_on("users", "tenant_id"));
    assert!(!key.is_on("users", "name"));
    assert!(!key.is_on("tenants", "email"));
}

#[test]
fn a_key_over_an_expression_names_no_column() {
    let key = unique_key("UNIQUE constraint failed: index 'users_email_lower'");
    assert_eq!(key, UniqueKey { table: String::new(), columns: Vec::new() });
}

#[test]
fn the_lock_lies_beside_the_file() {
    assert_eq!(lock_path(Path::new("data/billing.db")), Path::new("data/billing.db.lock"));
}

/// What is bound for a moment of that many microseconds since 1970.
fn stored(micros: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
    let value = Value::from(moment.expect("within the calendar"));
    let mut statement = Statement::from_string(DbBackend::Sqlite, "SELECT ?");
    statement.values = Some(Values(vec![value]));
    make_comparable(&mut statement).expect("a text");
    match statement.values.expect("values").0.remove(0) {
        Value::String(Some(text)) => text,
        other => panic!("{other:?} is no text"),
    }
}

proptest! {
    /// The years 1970 to 9999.
    #[test]
    fn moments_are_ordered_as_text(
        a in 0..253_402_300_799_999_999_i64,
        b in prop_oneof![
            (-2_000_000..2_000_000_i64).prop_map(Ok),
            (0..253_402_300_799_999_999_i64).prop_map(Err),
        ],
    ) {
        let b = match b {
            Ok(apart) => (a + apart).clamp(0, 253_402_300_799_999_999),
            Err(anywhere) => anywhere,
        };
        prop_assert_eq!(stored(a).cmp(&stored(b)), a.cmp(&b));
    }
}

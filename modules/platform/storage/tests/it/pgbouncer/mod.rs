//! Behind a pooler that hands each transaction to whichever connection is free (PgBouncer in
//! transaction mode, in the version that Debian ships, which carries no prepared statements).

mod bouncer;

use std::time::Duration;

use sea_orm::{
    ColumnTrait,
    sqlx::{Connection as _, PgConnection, Row as _, raw_sql},
};
use storage::{Once, Pooler, PostgresConfig, Scheduled, Store, StoreError};
use uuid::Uuid;

use self::bouncer::Bouncer;
use crate::{
    entities::{counter, note, setting},
    once::NoteError,
    postgres::{Notes, over, texts},
    storm::{check_no_connection_is_missing, check_whole, storm},
    world::{NoteWritten, TESTS, context, keyed, note, ours, start, theirs},
};

/// Connections of each role to the server, and how many more the store believes it has.
const SERVER_CONNECTIONS: u32 = 3;
const CLIENT_CONNECTIONS: u32 = 40;

struct Pooled {
    store: Store,
    bouncer: Bouncer,
    notes: Notes,
}

impl Pooled {
    async fn new() -> Self {
        let notes = Notes::new().await;
        let bouncer = Bouncer::before(&notes, SERVER_CONNECTIONS).await;
        let store = notes.open(behind(&bouncer, &notes)).await;
        Self { store, bouncer, notes }
    }
}

fn behind(bouncer: &Bouncer, notes: &Notes) -> PostgresConfig {
    PostgresConfig {
        connections: CLIENT_CONNECTIONS,
        system_connections: CLIENT_CONNECTIONS,
        acquire_time: Duration::from_secs(60),
        pooler: Pooler::Transaction,
        ..over(notes.config(), bouncer.port)
    }
}

#[tokio::test]
async fn programs_that_start_at_once_do_not_disturb_each_other() {
    let Pooled { bouncer, notes, .. } = &Pooled::new().await;
    let starts = (0..20).map(|_| notes.open(behind(bouncer, notes)));
    assert_eq!(futures_util::future::join_all(starts).await.len(), 20);
}

#[tokio::test]
async fn a_pooler_that_logs_in_as_another_role_is_refused() {
    let notes = Notes::new().await;
    let bouncer = Bouncer::passing_all_off_as("notes_system", &notes).await;
    let refused = notes.try_open(behind(&bouncer, &notes)).await;
    let Err(StoreError::UnsafeRole { role, why, .. }) = refused else {
        panic!("it must not start: {refused:?}")
    };
    assert_eq!(role, "notes_system");
    assert!(why.contains("is not the one that was logged in as"), "{why}");
}

#[tokio::test]
async fn tenants_read_and_write_their_own() {
    let Pooled { store, .. } = &Pooled::new().await;
    for (id, tenant) in [(1, ours()), (2, theirs())] {
        let tx = store.write(&context(tenant)).await.expect("a transaction");
        tx.insert(note(id, &id.to_string())).await.expect("a note");
        let refused = store.write(&context(tenant)).await.expect("a transaction");
        drop(refused);
        tx.commit().await.expect("a commit");
    }
    for (id, tenant) in [(1, ours()), (2, theirs())] {
        let reader = store.read(&context(tenant)).expect("a reader");
        let all = reader.find::<note::Entity>().all().await.expect("the notes");
        assert_eq!(all.iter().map(|note| note.id.as_u128()).collect::<Vec<_>>(), [id]);
        assert_eq!(reader.find::<note::Entity>().count().await.expect("a count"), 1);
        assert!(reader.find::<note::Entity>().exists().await.expect("an answer"));
        assert_eq!(
            reader.find::<counter::Entity>().sum(counter::Column::Value).await.expect("0"),
            0
        );
        let foreign = note::Column::TenantId.ne(tenant.0);
        let foreign = reader.find::<note::Entity>().filter(foreign).one().await;
        assert!(foreign.expect("an answer").is_none());
    }
    let all = store.system(&TESTS).find::<note::Entity>().count().await;
    assert_eq!(all.expect("a count"), 2);
    store.ping().await.expect("an answer");
}

#[tokio::test]
async fn a_key_that_is_taken_is_told() {
    let Pooled { store, .. } = &Pooled::new().await;
    let tx = store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "title")).await.expect("a note");
    let taken = tx.insert(note(2, "title")).await.expect_err("the title is taken");
    assert!(taken.is_unique_on("notes", "title"), "{taken:?}");
    assert!(matches!(tx.commit().await, Err(StoreError::Aborted { .. })));
}

#[tokio::test]
async fn a_write_happens_once() {
    let Pooled { store, .. } = &Pooled::new().await;
    let write = async |title: &str| {
        let ctx = keyed(ours(), title);
        let tx = match store.once::<_, u64, NoteError>(&ctx, "write_note", title).await {
            Ok(Once::First(tx)) => tx,
            Ok(Once::Recorded(outcome)) => return outcome,
            Err(error) => return Err(error),
        };
        tx.insert(note(1, title)).await.expect("a note");
        let outcome = match title {
            "bad" => Err(NoteError::BadTitle { title: title.into() }),
            _ => Ok(1),
        };
        tx.finish(outcome).await
    };
    for _ in 0..3 {
        assert!(matches!(write("bad").await, Err(NoteError::BadTitle { .. })), "undone");
        assert_eq!(write("good").await.expect("a result"), 1);
    }
}

#[tokio::test]
async fn events_and_work_for_later_are_written_with_the_change() {
    let Pooled { store, notes, .. } = &Pooled::new().await;
    let event = NoteWritten { note: Uuid::from_u128(1) };
    let tx = store.write(&context(ours())).await.expect("a transaction");
    tx.publish(&event).await.expect("an event");
    let later = start() + Duration::from_secs(60);
    let waits = tx.schedule(later, "reminder", &event).await.expect("an event");
    assert!(matches!(waits, Scheduled::New(_)));
    tx.commit().await.expect("a commit");
    notes.clock.advance(Duration::from_secs(61));
    let tx = store.system_write(&TESTS).await.expect("a transaction");
    let promoted = tx.promote_due(10, store.clock().now()).await.expect("promoted");
    assert_eq!(promoted.moved, 1);
    tx.commit().await.expect("a commit");
    let outbox = store.system(&TESTS).find::<storage::tables::outbox::Entity>().count().await;
    assert_eq!(outbox.expect("a count"), 3, "two destinations, and the module itself");
}

#[tokio::test]
async fn the_system_becomes_a_tenant_for_a_transaction() {
    let Pooled { store, bouncer, notes } = &Pooled::new().await;
    for n in 0..10 {
        let tx = store.system_write(&TESTS).await.expect("a transaction");
        let row = setting::ActiveModel {
            name: sea_orm::ActiveValue::Set(n.to_string()),
            value: sea_orm::ActiveValue::Set("on".into()),
        };
        tx.insert(row).await.expect("a setting");
        let tx = tx.into_tenant(&context(ours())).await.expect("our scope");
        tx.insert(note(n, &n.to_string())).await.expect("a note");
        if n % 2 == 0 {
            tx.commit().await.expect("a commit");
        }
        // The next of the system is the system's.
        store.system(&TESTS).find::<setting::Entity>().count().await.expect("a count");
    }
    check_nothing_is_left(notes, bouncer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn tenants_that_are_cut_off_and_panic_leave_nothing_to_each_other() {
    let Pooled { store, bouncer, notes } = &Pooled::new().await;
    let storm = storm(store, 0xb0b, 300, 2_000).await;
    assert!(storm.finished > 300 && storm.cut_off > 200 && storm.panicked > 50, "{storm:?}");
    check_whole(store).await;
    check_no_connection_is_missing(store, SERVER_CONNECTIONS as usize).await;
    check_nothing_is_left(notes, bouncer).await;

    let superuser = notes.superuser().await;
    let servers = "SELECT usename::text FROM pg_stat_activity \
                   WHERE datname = current_database() AND usename <> 'postgres'";
    let servers = texts(&superuser, servers).await;
    assert!(servers.len() <= 2 * SERVER_CONNECTIONS as usize, "{servers:?}");
}

/// Looks at every connection to the server, as whoever gets it next would find it.
async fn check_nothing_is_left(notes: &Notes, bouncer: &Bouncer) {
    for role in ["notes_app", "notes_system"] {
        let looking = (0..3 * SERVER_CONNECTIONS).map(|_| async {
            let url = over(notes.config(), bouncer.port).url;
            let url = url.replace("postgres://", &format!("postgres://{role}@"));
            let mut connection = PgConnection::connect(&url).await.expect("a login");
            // As text, as a name that another client gave to a statement would be met again here;
            // all at once, and long enough for each to be on a connection of its own.
            let select = "SELECT COALESCE(current_setting('app.current_tenant_id', true), '') || \
                          '/' || current_user || '/' || pg_sleep(0.05)::text || \
                          (SELECT count(*) FROM notes WHERE current_user = 'notes_app')::text";
            let row = raw_sql(select).fetch_one(&mut connection).await.expect("a row");
            row.try_get::<String, _>(0).expect("text")
        });
        for found in futures_util::future::join_all(looking).await {
            assert_eq!(found, format!("/{role}/0"), "no setting, its own role, and no row");
        }
    }
}

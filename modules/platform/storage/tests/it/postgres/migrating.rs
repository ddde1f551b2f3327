//! Migrations: by two at once, killed half-way, before a locked table, and over what is there.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use databases::catalogue;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, TransactionTrait};
use sea_orm_migration::{
    MigrationTrait, MigratorTrait,
    async_trait::async_trait,
    prelude::{DbErr, MigrationName, SchemaManager, Table},
};
use storage::{StoreError, access, schema::text, tables::outbox};

use super::{module::OwnModule, texts};
use crate::{
    entities::{Migrator, note},
    later::WithTags,
    world::{NoteWritten, TESTS, context, note, ours},
};

/// Long enough for another to be met, and no longer.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn down_and_up_again_is_the_same_schema() {
    let module = OwnModule::new().await;
    let schema = module.schema().await;
    assert_eq!(schema.status::<WithTags>().await.expect("a status").applied, Vec::<String>::new());
    let up = schema.up::<WithTags>().await.expect("up");
    assert_eq!(up.made.len(), 4, "three roles and a schema: {:?}", up.made);
    assert_eq!(up.migrations.last().map(String::as_str), Some("notes_0002_tags"));
    let superuser = module.superuser().await;
    let first = catalogue::dump(&superuser, module.name).await.expect("the catalogue");
    assert!(first.len() > 80, "{first:?}");

    let all = u32::try_from(up.migrations.len()).expect("a few");
    let down = schema.down::<WithTags>(all).await.expect("down");
    let mut taken_back = down.migrations;
    taken_back.reverse();
    assert_eq!(taken_back, up.migrations);
    let nothing = catalogue::tables(&superuser, module.name).await.expect("the catalogue");
    assert!(nothing.is_empty(), "{nothing:?}");
    let again = schema.up::<WithTags>().await.expect("up again");
    assert_eq!((again.made, again.migrations), (Vec::new(), up.migrations));
    assert_eq!(catalogue::dump(&superuser, module.name).await.expect("the catalogue"), first);

    let step = schema.down::<WithTags>(1).await.expect("a step down");
    assert_eq!(step.migrations, ["notes_0002_tags"]);
    let status = schema.status::<WithTags>().await.expect("a status");
    assert_eq!(status.pending, ["notes_0002_tags"]);
    schema.up::<WithTags>().await.expect("a step up");
    assert_eq!(catalogue::dump(&superuser, module.name).await.expect("the catalogue"), first);
    let nothing_more = schema.up::<WithTags>().await.expect("up");
    assert_eq!(nothing_more.migrations, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_stored_is_read_after_it_and_an_older_build_goes_on() {
    let module = OwnModule::migrated::<Migrator>().await;
    let older = module.open::<Migrator>().await.expect("a store");
    let write = async |id: u128| {
        let tx = older.write(&context(ours())).await.expect("a transaction");
        tx.insert(note(id, &id.to_string())).await.expect("a note");
        tx.commit().await.expect("a commit");
    };
    write(1).await;
    module.schema().await.up::<WithTags>().await.expect("up, under the running program");
    write(2).await;
    let newer = module.open::<WithTags>().await.expect("a store");
    for store in [&older, &newer] {
        let reader = store.read(&context(ours())).expect("a reader");
        let notes = reader.find::<note::Entity>().order_by_asc(note::Column::Id).all().await;
        let titles: Vec<_> = notes.expect("the notes").into_iter().map(|note| note.title).collect();
        assert_eq!(titles, ["1", "2"]);
    }
    module.schema().await.down::<WithTags>(1).await.expect("and back");
    write(3).await;
    assert_eq!(newer.system(&TESTS).find::<note::Entity>().count().await.expect("a count"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_come_at_once_migrate_one_after_the_other() {
    let module = OwnModule::new().await;
    let mut schemas = Vec::new();
    for _ in 0..4 {
        schemas.push(module.schema().await);
    }
    let migrating: Vec<_> = schemas
        .into_iter()
        .map(|schema| tokio::spawn(async move { schema.up::<WithTags>().await }))
        .collect();
    let mut applied = Vec::new();
    for migrating in migrating {
        applied.push(migrating.await.expect("no panic").expect("up").migrations.len());
    }
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, WithTags::migrations().len()], "one of them did it all");
    module.open::<WithTags>().await.expect("a store");
}

/// What one module's roles are changed by at once: databases that are migrated beside each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_of_one_server_are_migrated_at_once() {
    let one = OwnModule::new().await;
    let mut databases = Vec::new();
    for _ in 0..4 {
        let superuser = databases::required_superuser();
        databases.push(databases::PostgresDatabase::empty(&superuser).await.expect("a database"));
    }
    let migrating: Vec<_> = databases
        .iter()
        .map(|database| {
            let (url, name) = (database.superuser_url(), one.name);
            tokio::spawn(async move {
                let passwords = storage::Passwords::default();
                let schema = storage::PostgresSchema::connect(&url, name, passwords).await?;
                schema.up::<Migrator>().await
            })
        })
        .collect();
    for migrating in migrating {
        migrating.await.expect("no panic").expect("up");
    }
}

/// Events that are kept have their numbers, and the next ones get others.
#[tokio::test]
async fn events_are_numbered_on_over_migrations() {
    let module = OwnModule::migrated::<Migrator>().await;
    let schema = module.schema().await;
    let names: Vec<_> = Migrator::migrations().iter().map(|own| own.name().to_owned()).collect();
    let numbered = names.iter().position(|name| name == "platform_0005_number_by_transaction");
    let since = u32::try_from(names.len() - numbered.expect("it is one of them")).expect("a few");
    let mut published = Vec::new();
    for round in 1..=2 {
        let store = module.open::<Migrator>().await.expect("a store");
        for n in 1..=3 {
            let tx = store.write(&context(ours())).await.expect("a transaction");
            let fact = NoteWritten { note: uuid::Uuid::from_u128(10 * round + n) };
            tx.publish(&fact).await.expect("an event");
            tx.commit().await.expect("a commit");
        }
        let rows = store.system(&TESTS).find::<outbox::Entity>();
        let rows = rows.order_by_asc(outbox::Column::Seq).all().await.expect("the outbox");
        published = rows.iter().map(|row| row.event_id).collect();
        store.close().await;
        schema.down::<Migrator>(since).await.expect("down");
        schema.up::<Migrator>().await.expect("up again");
    }
    // Three facts for two destinations, twice, in the order in which they were told.
    let in_order = published.chunks(2).all(|pair| pair[0] == pair[1]);
    assert!(published.len() == 12 && in_order, "{published:?}");
}

/// Creates a table, then waits for a lock that the test has, then creates another.
struct Waits;

struct CreateHalves;

impl MigratorTrait for Waits {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = Migrator::migrations();
        all.push(Box::new(CreateHalves));
        all
    }
}

impl MigrationName for CreateHalves {
    fn name(&self) -> &str {
        "notes_0002_halves"
    }
}

#[async_trait]
#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait hides the lifetime of `SchemaManager`, and an implementation must do as it"
)]
impl MigrationTrait for CreateHalves {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for half in ["first_half", "second_half"] {
            manager.create_table(Table::create().table(half).col(text("text")).take()).await?;
            access::global_table(manager, half).await?;
            let wait = "SELECT pg_advisory_xact_lock(4711)";
            manager.get_connection().execute_unprepared(wait).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for half in ["first_half", "second_half"] {
            manager.drop_table(Table::drop().table(half).take()).await?;
        }
        Ok(())
    }
}

/// Ends the session that migrates, once it waits half-way.
async fn kill_half_way(module: &OwnModule) {
    let superuser = module.superuser().await;
    let kill = format!(
        "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
         WHERE application_name = 'ashlar migrate {}' AND wait_event = 'advisory' \
         AND query LIKE '%4711%'",
        module.name
    );
    let killed = async {
        while texts(&superuser, &kill).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, killed).await.expect("it is killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_killed_half_way_is_finished_by_the_next() {
    let module = OwnModule::new().await;
    let superuser = module.superuser().await;
    let held = superuser.begin().await.expect("a transaction");
    held.execute_unprepared("SELECT pg_advisory_xact_lock(4711)").await.expect("the lock");
    let schema = module.schema().await;
    let migrating = tokio::spawn(async move { schema.up::<Waits>().await });
    kill_half_way(&module).await;
    let killed = migrating.await.expect("no panic").expect_err("it was killed");
    assert!(matches!(killed, StoreError::Migration { .. }), "{killed:?}");

    let schema = module.schema().await;
    let status = schema.status::<Waits>().await.expect("a status");
    assert_eq!(status.pending, ["notes_0002_halves"], "those before it stay");
    let tables = catalogue::tables(&module.superuser().await, module.name).await;
    assert!(!tables.expect("the catalogue").contains_key("first_half"), "it is all or nothing");
    assert!(matches!(module.open::<Waits>().await, Err(StoreError::Behind { .. })));

    held.rollback().await.expect("the lock is free");
    let up = schema.up::<Waits>().await.expect("up");
    assert_eq!(up.migrations, ["notes_0002_halves"]);
    module.open::<Waits>().await.expect("a store");
}

/// A program that migrates is killed as a process, which its server learns from a closed socket.
#[tokio::test]
async fn one_whose_program_is_gone_is_finished_by_the_next() {
    let module = OwnModule::new().await;
    let superuser = module.superuser().await;
    let held = superuser.begin().await.expect("a transaction");
    held.execute_unprepared("SELECT pg_advisory_xact_lock(4711)").await.expect("the lock");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let schema = module.schema().await;
    let migrating = runtime.spawn(async move { schema.up::<Waits>().await });
    let waits = format!(
        "SELECT pid::text FROM pg_stat_activity WHERE wait_event = 'advisory' \
         AND application_name = 'ashlar migrate {}'",
        module.name
    );
    let looking = module.superuser().await;
    let waiting = async {
        while texts(&looking, &waits).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it waits half-way");
    // All that it had is gone at once, as with a process.
    runtime.shutdown_background();
    assert!(migrating.await.expect_err("it is gone").is_cancelled());

    held.rollback().await.expect("the lock is free");
    let up = module.schema().await.up::<Waits>().await.expect("up");
    assert_eq!(up.migrations.last().map(String::as_str), Some("notes_0002_halves"));
    module.open::<Waits>().await.expect("a store");
}

#[tokio::test]
async fn a_table_that_somebody_has_locked_is_named_in_time() {
    let module = OwnModule::migrated::<Migrator>().await;
    let superuser = module.superuser().await;
    let held = superuser.begin().await.expect("a transaction");
    let lock = format!("SET application_name = 'a report'; LOCK TABLE {}.notes", module.name);
    held.execute_unprepared(&lock).await.expect("the lock");
    let schema = module.schema().await.with_patience(Duration::from_millis(300));
    let begun = Instant::now();
    let blocked = schema.up::<WithTags>().await.expect_err("the table is locked");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(matches!(blocked, StoreError::Blocked { .. }), "{blocked:?}");
    let text = blocked.to_string();
    assert!(text.contains("notes is locked by session") && text.contains("a report"), "{text}");
    assert_eq!(blocked.sqlstate().as_deref(), Some("55P03"));
    held.rollback().await.expect("the lock is free");
    schema.up::<WithTags>().await.expect("up");
}

/// The bound that an operator meets.
#[tokio::test]
async fn a_locked_table_is_waited_for_ten_seconds() {
    let module = OwnModule::migrated::<Migrator>().await;
    let superuser = module.superuser().await;
    let held = superuser.begin().await.expect("a transaction");
    held.execute_unprepared(&format!("LOCK TABLE {}.notes", module.name)).await.expect("the lock");
    let begun = Instant::now();
    let blocked = module.schema().await.up::<WithTags>().await.expect_err("the table is locked");
    let waited = begun.elapsed();
    assert!(matches!(blocked, StoreError::Blocked { .. }), "{blocked:?}");
    assert!((9..14).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test]
async fn another_that_takes_long_is_named() {
    let module = OwnModule::new().await;
    let superuser = module.superuser().await;
    let held = superuser.begin().await.expect("a transaction");
    held.execute_unprepared("SELECT pg_advisory_xact_lock(4711)").await.expect("the lock");
    let first = module.schema().await;
    let first = tokio::spawn(async move { first.up::<Waits>().await });
    let looking = module.superuser().await;
    let waits = format!(
        "SELECT pid::text FROM pg_stat_activity WHERE wait_event = 'advisory' \
         AND application_name = 'ashlar migrate {}'",
        module.name
    );
    while texts(&looking, &waits).await.is_empty() {
        tokio::task::yield_now().await;
    }
    let second = module.schema().await.with_patience(Duration::from_millis(100));
    let blocked = second.up::<Waits>().await.expect_err("the first is at work");
    let text = blocked.to_string();
    assert!(text.contains("migrates the schema"), "{text}");
    held.rollback().await.expect("the first goes on");
    assert!(!first.await.expect("no panic").expect("up").migrations.is_empty());
    assert_eq!(second.up::<Waits>().await.expect("up").migrations, Vec::<String>::new());
}

/// A login that may not create roles is told so, and leaves nothing behind.
#[tokio::test]
async fn a_login_without_the_rights_is_told() {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let module = OwnModule::new().await;
    let login = format!("{}_clerk_{}", module.name, COUNT.fetch_add(1, Ordering::SeqCst));
    module.run(&format!("CREATE ROLE {login} LOGIN")).await;
    let url = module.database().superuser_url();
    let url = kernel::Secret::new(url.expose().replace("postgres@", &format!("{login}@")));
    let passwords = storage::Passwords::default();
    let schema = storage::PostgresSchema::connect(&url, module.name, passwords).await;
    let refused = schema.expect("a login").up::<Migrator>().await.expect_err("no rights");
    assert!(matches!(refused, StoreError::Migration { .. }), "{refused:?}");
    assert_eq!(refused.sqlstate().as_deref(), Some("42501"));
    module.run(&format!("DROP ROLE {login}")).await;
}

/// The column of a later build, which an older one does not know, is left alone by it.
#[tokio::test]
async fn an_older_build_keeps_what_it_does_not_know() {
    let module = OwnModule::migrated::<WithTags>().await;
    let older = module.open::<Migrator>().await.expect("a store");
    let tx = older.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "one")).await.expect("a note");
    tx.commit().await.expect("a commit");
    module.run("UPDATE {m}.notes SET tag = 'urgent'").await;
    let tx = older.write(&context(ours())).await.expect("a transaction");
    let change = note::ActiveModel { stars: Set(3), ..note(1, "one") };
    tx.update(change).await.expect("a note");
    tx.commit().await.expect("a commit");
    let superuser = module.superuser().await;
    let tags = texts(&superuser, &format!("SELECT tag FROM {}.notes", module.name)).await;
    assert_eq!(tags, ["urgent"]);
    let found = older.system(&TESTS).find::<note::Entity>().filter(note::Column::Stars.eq(3));
    assert_eq!(found.count().await.expect("a count"), 1);
}

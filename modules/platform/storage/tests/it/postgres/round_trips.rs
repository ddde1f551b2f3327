//! How often a caller waits for the server.

use kernel::PageRequest;
use sea_orm::{ActiveValue::Set, ColumnTrait};
use storage::{Once, Pooler, PostgresConfig, Store};
use uuid::Uuid;

use super::{Notes, over, proxy::Proxy};
use crate::{
    entities::{counter, note, setting},
    once::NoteError,
    world::{NoteWritten, TESTS, context, keyed, note, ours},
};

/// A store with one connection for each role, behind a proxy that counts.
struct Counted {
    store: Store,
    proxy: Proxy,
    _notes: Notes,
}

impl Counted {
    async fn new(pooler: Pooler) -> Self {
        let notes = Notes::new().await;
        let proxy = Proxy::before(&notes.config()).await;
        let config = PostgresConfig { connections: 1, pooler, ..over(notes.config(), proxy.port) };
        let store = notes.open(config).await;
        Self { store, proxy, _notes: notes }
    }

    /// The round trips of `work`, once it was done before. It is done twice more, the second time
    /// counted from the answer of the first: what the store would ask behind its caller's back,
    /// such as how the connection fares, is asked on the same one connection and is in that count.
    async fn of<T, Work: Future<Output = T>>(&self, mut work: impl FnMut() -> Work) -> u64 {
        work().await;
        let start = self.proxy.counts.exchanges();
        work().await;
        let once = self.proxy.counts.exchanges();
        work().await;
        let twice = self.proxy.counts.exchanges();
        assert_eq!(once - start, twice - once, "and none behind the caller's back");
        once - start
    }
}

#[tokio::test]
async fn a_read_of_a_tenant_is_one() {
    let counted = Counted::new(Pooler::None).await;
    let reader = counted.store.read(&context(ours())).expect("a reader");
    let find = || reader.find::<note::Entity>().filter(note::Column::Id.eq(Uuid::from_u128(1)));
    assert_eq!(counted.of(|| async { find().one().await.expect("a note") }).await, 1);
    assert_eq!(counted.of(|| async { find().all().await.expect("the notes") }).await, 1);
    assert_eq!(counted.of(|| async { find().count().await.expect("a count") }).await, 1);
    assert_eq!(counted.of(|| async { find().exists().await.expect("an answer") }).await, 1);
    let page = || async {
        let (at, id) = (note::Column::WrittenAt, note::Column::Id);
        find().page(&PageRequest::default(), at, id).await.expect("a page")
    };
    assert_eq!(counted.of(page).await, 1);
    let sum = || async {
        let counters = reader.find::<counter::Entity>();
        counters.sum(counter::Column::Value).await.expect("a sum")
    };
    assert_eq!(counted.of(sum).await, 1);
}

#[tokio::test]
async fn a_read_of_the_system_is_one() {
    let counted = Counted::new(Pooler::None).await;
    let find = || async {
        counted.store.system(&TESTS).find::<setting::Entity>().all().await.expect("the settings")
    };
    assert_eq!(counted.of(find).await, 1);
}

/// Statements of one writing transaction of a tenant.
async fn write(store: &Store, statements: u64) {
    let tx = store.write(&context(ours())).await.expect("a transaction");
    for n in 0..statements {
        let row =
            counter::ActiveModel { name: Set(n.to_string()), value: Set(1), ..Default::default() };
        let columns = [counter::Column::TenantId, counter::Column::Name];
        tx.insert_new(vec![row], &columns).await.expect("a counter");
    }
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn a_write_of_a_tenant_is_its_statements_and_two() {
    let counted = Counted::new(Pooler::None).await;
    for statements in [1, 2, 5] {
        let trips = counted.of(|| write(&counted.store, statements)).await;
        assert_eq!(trips, statements + 2, "the beginning, with the setting, and the commit");
    }
}

#[tokio::test]
async fn going_from_the_system_to_a_tenant_is_one_more() {
    let counted = Counted::new(Pooler::None).await;
    let work = || async {
        let tx = counted.store.system_write(&TESTS).await.expect("a transaction");
        tx.find::<setting::Entity>().count().await.expect("a count");
        let tx = tx.into_tenant(&context(ours())).await.expect("our scope");
        tx.find::<note::Entity>().count().await.expect("a count");
        tx.commit().await.expect("a commit");
    };
    // The beginning, a statement, the change of role and tenant, a statement, the commit.
    assert_eq!(counted.of(work).await, 5);
}

#[tokio::test]
async fn a_write_that_happens_once_is_its_statements_and_six() {
    let counted = Counted::new(Pooler::None).await;
    let calls = std::cell::Cell::new(0_u128);
    let work = || async {
        calls.set(calls.get() + 1);
        let id = calls.get();
        let ctx = keyed(ours(), &id.to_string());
        let once = counted.store.once::<_, u64, NoteError>(&ctx, "write_note", &1).await;
        let Ok(Once::First(tx)) = once else { panic!("the first call") };
        tx.insert(note(id, &id.to_string())).await.expect("a note");
        tx.publish(&NoteWritten { note: Uuid::from_u128(id) }).await.expect("an event");
        tx.finish(Ok(1)).await.expect("a result");
    };
    // The beginning, the claim, a savepoint, two statements, the savepoint's end, the record of
    // the outcome, the commit.
    assert_eq!(counted.of(work).await, 2 + 6);
    let again = || async {
        let ctx = keyed(ours(), "1");
        let once = counted.store.once::<_, u64, NoteError>(&ctx, "write_note", &1).await;
        assert!(matches!(once, Ok(Once::Recorded(Ok(1)))));
    };
    // The beginning, the claim that finds a record, the record. It is rolled back behind the
    // caller's back, which the next who takes the connection waits for.
    assert_eq!(counted.of(again).await, 3 + 1);
}

/// Each statement is planned and run in two exchanges there.
#[tokio::test]
async fn behind_a_pooler_that_carries_no_statements_a_read_is_four() {
    let counted = Counted::new(Pooler::Transaction).await;
    let reader = counted.store.read(&context(ours())).expect("a reader");
    let find = || async { reader.find::<note::Entity>().one().await.expect("a note") };
    assert_eq!(counted.of(find).await, 4);
    assert_eq!(counted.of(|| write(&counted.store, 3)).await, 3 * 2 + 2);
}

#[tokio::test]
async fn the_server_keeps_a_bounded_number_of_statements() {
    let counted = Counted::new(Pooler::None).await;
    let reader = counted.store.read(&context(ours())).expect("a reader");
    let before = counted.proxy.counts.parsed();
    // Each number of values is a statement of its own; each tenant, and each value, is not.
    for values in 1..=150 {
        let titles = (0..values).map(|n: i32| n.to_string());
        let find = reader.find::<note::Entity>().filter(note::Column::Title.is_in(titles));
        find.count().await.expect("a count");
    }
    let parsed = counted.proxy.counts.parsed() - before;
    assert_eq!(parsed, 150);
    let kept = parsed - counted.proxy.counts.closed();
    assert!(kept <= 100, "{kept}");

    for tenant in 1..=20 {
        let tenant = kernel::TenantId(Uuid::from_u128(tenant));
        let reader = counted.store.read(&context(tenant)).expect("a reader");
        let title = note::Column::Title.eq(tenant.to_string());
        reader.find::<note::Entity>().filter(title).one().await.expect("a note");
    }
    assert_eq!(counted.proxy.counts.parsed() - before, 151, "one text for all tenants");
}

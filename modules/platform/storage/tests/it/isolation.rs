//! No builder of a tenant's scope reaches another tenant's rows, whatever it is filtered by.

use kernel::{CallContext, CallId, Principal, TenantId};
use sea_orm::{
    ActiveValue::{NotSet, Set, Unchanged},
    ColumnTrait, Condition, IntoActiveModel,
    sea_query::{Expr, ExprTrait, IntoCondition},
};
use storage::StoreError;
use uuid::Uuid;

use crate::{
    entities::{counter, note, setting},
    world::{TESTS, World, context, note, ours, theirs},
};

/// Note 1 is ours, note 2 is theirs; each has a counter of the same name.
async fn two_tenants() -> World {
    let world = World::new().await;
    for (id, tenant, title) in [(1, ours(), "our note"), (2, theirs(), "their note")] {
        let tx = world.store.write(&context(tenant)).await.expect("a transaction");
        tx.insert(note(id, title)).await.expect("a note");
        tx.insert(named_counter("visits", 10)).await.expect("a counter");
        tx.commit().await.expect("a commit");
    }
    world
}

fn named_counter(name: &str, value: i64) -> counter::ActiveModel {
    counter::ActiveModel { tenant_id: NotSet, name: Set(name.into()), value: Set(value) }
}

/// Filters that would reach everything if the tenant's were not joined to them by AND.
fn greedy_filters() -> Vec<Condition> {
    let all = || Expr::val(1).eq(1);
    let is_postgres = databases::superuser().is_some();
    let bound = if is_postgres { "1 = $1 OR 1 = 1" } else { "1 = ? OR 1 = 1" };
    vec![
        Condition::all(),
        Condition::any().add(all()).add(note::Column::Title.ne("")),
        note::Column::Title.eq("their note").or(all()).into_condition(),
        note::Column::TenantId.eq(theirs().0).into_condition(),
        Condition::any().add(note::Column::TenantId.eq(theirs().0)).add(all()),
        Condition::any().add(note::Column::TenantId.eq(theirs().0)).not(),
        note::Column::Id.eq(Uuid::from_u128(2)).into_condition(),
        Expr::cust("1 = 1 OR 1 = 1").into_condition(),
        Expr::cust_with_values(bound, [1]).into_condition(),
    ]
}

#[tokio::test]
async fn find_sees_only_its_tenants_rows() {
    let world = two_tenants().await;
    for filter in greedy_filters() {
        let reader = world.store.read(&context(ours())).expect("a reader");
        let find = || reader.find::<note::Entity>().filter(filter.clone());
        let shown = format!("{filter:?}");
        let all = find().all().await.expect("the notes");
        assert!(all.iter().all(|note| note.tenant_id == ours().0), "{shown}");
        let one = find().order_by_desc(note::Column::Id).one().await.expect("a note");
        assert!(one.is_none_or(|note| note.tenant_id == ours().0), "{shown}");
        assert_eq!(find().count().await.expect("a count"), all.len() as u64, "{shown}");
        assert_eq!(find().exists().await.expect("an answer"), !all.is_empty(), "{shown}");

        let tx = world.store.write(&context(ours())).await.expect("a transaction");
        let locked = tx.find::<note::Entity>().filter(filter).lock().all().await;
        assert_eq!(locked.expect("the notes"), all, "{shown}");
    }
}

#[tokio::test]
async fn update_many_changes_only_its_tenants_rows() {
    for filter in greedy_filters() {
        let world = two_tenants().await;
        let tx = world.store.write(&context(ours())).await.expect("a transaction");
        let update = tx.update_many::<note::Entity>().set(note::Column::Stars, 5);
        update.filter(filter).exec().await.expect("an update");
        tx.commit().await.expect("a commit");
        assert!(world.all_notes().await.contains(&(theirs(), "their note".into(), 0)));
    }
}

#[tokio::test]
async fn delete_many_deletes_only_its_tenants_rows() {
    for filter in greedy_filters() {
        let world = two_tenants().await;
        let tx = world.store.write(&context(ours())).await.expect("a transaction");
        tx.delete_many::<note::Entity>().filter(filter).exec().await.expect("a deletion");
        tx.commit().await.expect("a commit");
        assert!(world.all_notes().await.contains(&(theirs(), "their note".into(), 0)));
    }
}

#[tokio::test]
async fn builders_without_a_filter_stay_with_their_tenant() {
    let world = two_tenants().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let update = tx.update_many::<note::Entity>().set(note::Column::Stars, 5);
    assert_eq!(update.exec().await.expect("an update"), 1);
    assert_eq!(tx.delete_many::<note::Entity>().exec().await.expect("a deletion"), 1);
    tx.commit().await.expect("a commit");
    assert_eq!(world.all_notes().await, [(theirs(), "their note".into(), 0)]);
}

#[tokio::test]
async fn sums_are_of_its_tenants_rows() {
    let world = two_tenants().await;
    let reader = world.store.read(&context(ours())).expect("a reader");
    let sum = reader.find::<counter::Entity>().sum(counter::Column::Value).await;
    assert_eq!(sum.expect("a sum"), 10);
    let none = reader.find::<counter::Entity>().filter(counter::Column::Name.eq("none"));
    assert_eq!(none.sum(counter::Column::Value).await.expect("a sum"), 0);
}

#[tokio::test]
async fn a_row_is_inserted_for_its_tenant() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let left_open = tx.insert(note(1, "left open")).await.expect("a note");
    assert_eq!(left_open.tenant_id, ours().0);
    let mut named = note(2, "named");
    named.tenant_id = Set(ours().0);
    assert_eq!(tx.insert(named).await.expect("a note").tenant_id, ours().0);
}

#[tokio::test]
async fn a_row_of_a_foreign_tenant_is_not_inserted() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    for foreign in [Set(theirs().0), Unchanged(theirs().0)] {
        let mut row = note(1, "foreign");
        row.tenant_id = foreign;
        let refused = tx.insert(row.clone()).await;
        assert!(matches!(refused, Err(StoreError::ForeignTenant { table: "notes", .. })));
        let refused = tx.insert_new(vec![note(3, "own"), row], &[note::Column::Id]).await;
        assert!(matches!(refused, Err(StoreError::ForeignTenant { .. })));
    }
    tx.commit().await.expect("a commit");
    assert_eq!(world.all_notes().await, []);
}

#[tokio::test]
async fn a_row_of_a_foreign_tenant_is_not_updated() {
    let world = two_tenants().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let refused = |result| matches!(result, Err(StoreError::NotFound { table: "notes", .. }));

    let mut changed = note(2, "taken over");
    assert!(refused(tx.update(changed.clone()).await), "with columns to set");
    changed.title = NotSet;
    changed.stars = NotSet;
    changed.written_at = NotSet;
    assert!(refused(tx.update(changed).await), "with nothing to set");

    let mut given_away = note(1, "given away");
    given_away.tenant_id = Set(theirs().0);
    let result = tx.update(given_away).await;
    assert!(matches!(result, Err(StoreError::ForeignTenant { .. })));

    let update = tx.update_many::<note::Entity>().set(note::Column::TenantId, theirs().0);
    assert!(matches!(update.exec().await, Err(StoreError::ForeignTenant { .. })));

    // None of it was a failure of the transaction.
    let own = tx.update(note(1, "our new title")).await.expect("our own");
    assert_eq!((own.title.as_str(), own.tenant_id), ("our new title", ours().0));
    tx.commit().await.expect("a commit");
    assert!(world.all_notes().await.contains(&(theirs(), "their note".into(), 0)));
}

#[tokio::test]
async fn a_key_that_begins_with_the_tenant_is_completed() {
    let world = two_tenants().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let updated = tx.update(named_counter("visits", 11)).await.expect("an update");
    assert_eq!((updated.tenant_id, updated.value), (ours().0, 11));
    let nothing_set = counter::ActiveModel { value: NotSet, ..named_counter("visits", 0) };
    assert_eq!(tx.update(nothing_set).await.expect("the row").value, 11);
    let theirs = world.store.read(&context(theirs())).expect("a reader");
    let counter = theirs.find::<counter::Entity>().one().await.expect("a row").expect("theirs");
    assert_eq!(counter.value, 10);
    let mut foreign = counter.into_active_model();
    foreign.value = Set(99);
    let refused = tx.update(foreign).await;
    assert!(matches!(refused, Err(StoreError::ForeignTenant { .. })));
}

#[tokio::test]
async fn only_what_is_new_is_inserted() {
    let world = two_tenants().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let rows = vec![named_counter("visits", 1), named_counter("visitors", 2)];
    let key = [counter::Column::TenantId, counter::Column::Name];
    assert_eq!(tx.insert_new(rows, &key).await.expect("an insert"), 1);
    assert_eq!(tx.insert_new::<counter::ActiveModel>(Vec::new(), &key).await.expect("none"), 0);
    // More values than one statement may bind.
    let many = (0..12_000).map(|n| named_counter(&format!("counter {n}"), n)).collect();
    assert_eq!(tx.insert_new(many, &key).await.expect("an insert"), 12_000);
    let visits = tx.find::<counter::Entity>().filter(counter::Column::Name.eq("visits"));
    assert_eq!(visits.one().await.expect("a row").expect("ours").value, 10);
}

#[tokio::test]
async fn a_context_without_a_tenant_reaches_no_tenants_rows() {
    let world = two_tenants().await;
    let nobody = [Principal::Anonymous, Principal::service("tests")];
    for principal in nobody {
        let time = std::time::Duration::from_secs(60);
        let ctx = CallContext::new(principal, CallId(Uuid::from_u128(1)), time);
        assert!(matches!(world.store.read(&ctx), Err(StoreError::NoTenant { module: "notes" })));
        let tx = world.store.write(&ctx).await;
        assert!(matches!(tx, Err(StoreError::NoTenant { .. })));
    }
}

#[tokio::test]
async fn a_system_scope_reaches_all_rows_and_those_of_none() {
    let world = two_tenants().await;
    let tx = world.store.system_write(&TESTS).await.expect("a transaction");
    let row = setting::ActiveModel { name: Set("theme".into()), value: Set("dark".into()) };
    tx.insert(row.clone()).await.expect("a setting");
    assert_eq!(tx.insert_new(vec![row], &[setting::Column::Name]).await.expect("none"), 0);
    let update = tx.update_many::<note::Entity>().set(note::Column::Stars, 3);
    assert_eq!(update.exec().await.expect("an update"), 2);
    let one_more = Expr::col(note::Column::Stars).add(1);
    let update = tx.update_many::<note::Entity>().set(note::Column::Stars, one_more);
    assert_eq!(update.exec().await.expect("an update"), 2);
    let theirs_only = note::Column::TenantId.eq(theirs().0);
    let deleted = tx.delete_many::<note::Entity>().filter(theirs_only).exec().await;
    assert_eq!(deleted.expect("a deletion"), 1);
    tx.commit().await.expect("a commit");
    assert_eq!(world.all_notes().await, [(ours(), "our note".into(), 4)]);
    let settings = world.store.system(&TESTS).find::<setting::Entity>().count().await;
    assert_eq!(settings.expect("a count"), 1);
}

#[tokio::test]
async fn one_transaction_goes_from_the_system_to_a_tenant() {
    let world = two_tenants().await;
    let tx = world.store.system_write(&TESTS).await.expect("a transaction");
    let row = setting::ActiveModel { name: Set("theme".into()), value: Set("dark".into()) };
    tx.insert(row).await.expect("a setting");
    let tx = tx.into_tenant(&context(ours())).await.expect("our scope");
    assert_eq!(tx.tenant(), ours());
    assert_eq!(tx.find::<note::Entity>().count().await.expect("a count"), 1);
    tx.insert(note(3, "third")).await.expect("a note");
    drop(tx);
    assert_eq!(world.all_notes().await.len(), 2, "all of it is undone at once");
    let settings = world.store.system(&TESTS).find::<setting::Entity>().count().await;
    assert_eq!(settings.expect("a count"), 0);
}

#[tokio::test]
async fn rows_are_ordered_and_cut() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    for (id, title) in [(1, "b"), (2, "a"), (3, "c")] {
        tx.insert(note(id, title)).await.expect("a note");
    }
    let titles =
        |notes: Vec<note::Model>| notes.into_iter().map(|note| note.title).collect::<String>();
    let notes = || tx.find::<note::Entity>();
    let up = notes().order_by_asc(note::Column::Title).limit(2).all().await;
    assert_eq!(titles(up.expect("notes")), "ab");
    let down = notes().order_by_desc(note::Column::Title).limit(2).all().await;
    assert_eq!(titles(down.expect("notes")), "cb");
    assert_eq!(notes().limit(2).count().await.expect("a count"), 2);
}

/// What a module awaits inside a port's method must be `Send`.
#[tokio::test]
async fn its_futures_can_be_spawned() {
    fn assert_send<T: Send>(future: T) -> T {
        future
    }
    let world = two_tenants().await;
    let store = world.store.clone();
    let work = assert_send(async move {
        let tenant: TenantId = ours();
        let tx = store.write(&context(tenant)).await?;
        tx.insert(note(9, "spawned")).await?;
        let stars = tx.update_many::<note::Entity>().set(note::Column::Stars, 1);
        stars.filter(note::Column::Title.eq("spawned")).exec().await?;
        tx.find::<note::Entity>().lock().all().await?;
        tx.find::<note::Entity>().count().await?;
        tx.delete_many::<note::Entity>().exec().await?;
        tx.commit().await
    });
    tokio::spawn(work).await.expect("no panic").expect("a commit");
    drop(assert_send(world.open_again()));
    drop(assert_send(world.store.clone().close()));
}

//! A row and a number in one round trip.

use sea_orm::ColumnTrait;

use crate::{
    entities::note,
    world::{World, context, note, ours, theirs},
};

/// The title of our last note after `title` in the alphabet, and how many of ours come before `c`.
async fn after(world: &World, title: &str) -> (Option<String>, u64) {
    let reader = world.store.read(&context(ours())).expect("a reader");
    let asked = reader.one_and_count::<note::Entity, note::Entity>(
        |notes| notes.filter(note::Column::Title.gt(title)).order_by_desc(note::Column::Title),
        note::Column::Title.lt("c"),
    );
    let (found, count) = asked.await.expect("an answer");
    (found.map(|note| note.title), count)
}

#[tokio::test]
async fn each_has_its_own_filter_and_both_the_tenant_s() {
    let world = World::new().await;
    assert_eq!(after(&world, "a").await, (None, 0), "no row is none, and not one of nulls");
    for (tenant, notes) in
        [(ours(), [(1, "a"), (2, "b"), (3, "c")].as_slice()), (theirs(), &[(4, "a"), (5, "d")])]
    {
        let tx = world.store.write(&context(tenant)).await.expect("a transaction");
        for (id, title) in notes {
            tx.insert(note(*id, title)).await.expect("a note");
        }
        tx.commit().await.expect("a commit");
    }
    assert_eq!(after(&world, "a").await, (Some("c".to_owned()), 2));
    assert_eq!(after(&world, "c").await, (None, 2), "the last in the alphabet is theirs");
}

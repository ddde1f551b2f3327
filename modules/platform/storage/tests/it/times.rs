//! Moments compare as moments, though the embedded engine keeps them as text.

use std::time::Duration;

use kernel::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait};
use time::{OffsetDateTime, UtcOffset};

use crate::{
    entities::note,
    world::{World, context, note, ours, start},
};

/// Whole seconds, tenths, and what a text without trailing zeros gets wrong.
fn moments() -> Vec<Timestamp> {
    [0, 1, 10, 100_000, 250_000, 500_000, 550_000, 999_999, 1_000_000, 1_500_000]
        .map(|micros| start() + Duration::from_micros(micros))
        .to_vec()
}

async fn world_with_moments() -> World {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    for (n, moment) in moments().into_iter().enumerate().rev() {
        let row =
            note::ActiveModel { written_at: Set(moment.into()), ..note(n as u128, &n.to_string()) };
        let stored = tx.insert(row).await.expect("a note");
        assert_eq!(Timestamp::new(stored.written_at), moment, "it comes back as it was");
    }
    tx.commit().await.expect("a commit");
    world
}

#[tokio::test]
async fn they_are_ordered_below_the_second() {
    let world = world_with_moments().await;
    let reader = world.store.read(&context(ours())).expect("a reader");
    let notes = reader.find::<note::Entity>().order_by_asc(note::Column::WrittenAt).all().await;
    let read: Vec<_> =
        notes.expect("the notes").iter().map(|note| Timestamp::new(note.written_at)).collect();
    assert_eq!(read, moments());
}

#[tokio::test]
async fn they_are_compared_below_the_second() {
    let world = world_with_moments().await;
    let reader = world.store.read(&context(ours())).expect("a reader");
    for (n, moment) in moments().into_iter().enumerate() {
        let count = async |condition| {
            let found = reader.find::<note::Entity>().filter(condition);
            found.count().await.expect("a count") as usize
        };
        let column = note::Column::WrittenAt;
        assert_eq!(count(column.lt(moment.to_offset_date_time())).await, n, "{moment}");
        assert_eq!(count(column.lte(moment.to_offset_date_time())).await, n + 1, "{moment}");
        assert_eq!(count(column.eq(moment.to_offset_date_time())).await, 1, "{moment}");
    }
}

#[tokio::test]
async fn another_offset_is_the_same_moment() {
    let world = world_with_moments().await;
    let reader = world.store.read(&context(ours())).expect("a reader");
    let offset = UtcOffset::from_hms(5, 30, 0).expect("an offset");
    let elsewhere: OffsetDateTime = start().to_offset_date_time().to_offset(offset);
    let found = reader.find::<note::Entity>().filter(note::Column::WrittenAt.eq(elsewhere));
    assert_eq!(found.count().await.expect("a count"), 1);
}

#[tokio::test]
async fn an_update_stores_them_alike() {
    let world = world_with_moments().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    let all = tx.update_many::<note::Entity>();
    let later = (start() + Duration::from_millis(1_500)).to_offset_date_time();
    all.set(note::Column::WrittenAt, later).exec().await.expect("an update");
    let same = tx.find::<note::Entity>().filter(note::Column::WrittenAt.eq(later));
    assert_eq!(same.count().await.expect("a count"), moments().len() as u64);
}

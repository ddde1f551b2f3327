//! Lists that are read page by page.

use std::time::Duration;

use kernel::{Cursor, Page, PageRequest};
use proptest::{collection::vec, prelude::*};
use sea_orm::{ActiveValue::Set, ColumnTrait};
use storage::{StoreError, TenantTx};

use crate::{
    entities::note,
    world::{World, context, note, ours, start, theirs},
};

/// Writes a note that many seconds after the start.
async fn write(tx: &TenantTx, id: u128, seconds: u64) {
    let at = (start() + Duration::from_secs(seconds)).into();
    let note = note::ActiveModel { written_at: Set(at), ..note(id, &format!("note {id}")) };
    tx.insert(note).await.expect("a note");
}

async fn page(world: &World, limit: u32, cursor: Option<Cursor>) -> Page<u128> {
    let tx = world.store.read(&context(ours())).expect("a reader");
    let request = PageRequest { limit: Some(limit), cursor };
    let notes = tx.find::<note::Entity>().filter(note::Column::Stars.eq(0));
    let page = notes.page(&request, note::Column::WrittenAt, note::Column::Id).await;
    page.expect("a page").map(|note| note.id.as_u128())
}

#[tokio::test]
async fn the_next_page_goes_on_where_the_last_one_ended_while_rows_come() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    for (id, seconds) in [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2)] {
        write(&tx, id, seconds).await;
    }
    tx.commit().await.expect("a commit");
    let first = page(&world, 2, None).await;
    assert_eq!(first.items, [5, 4]);

    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    write(&tx, 6, 9).await;
    tx.commit().await.expect("a commit");
    let second = page(&world, 2, first.next_cursor).await;
    assert_eq!(second.items, [3, 2]);
    let last = page(&world, 2, second.next_cursor).await;
    assert_eq!(last, Page { items: vec![1], next_cursor: None });
}

#[tokio::test]
async fn a_list_without_time_or_id_is_refused() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    for id in 1..=2 {
        write(&tx, id, 0).await;
    }
    let request = PageRequest { limit: Some(1), cursor: None };
    let wrong = tx.find::<note::Entity>().page(&request, note::Column::Title, note::Column::Id);
    assert!(matches!(wrong.await, Err(StoreError::Database { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn pages_put_together_are_the_list(times in vec(0..4_u64, 0..12), limit in 1..5_u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let world = World::new().await;
            let tx = world.store.write(&context(ours())).await.expect("a transaction");
            for (id, seconds) in (1..).zip(&times) {
                write(&tx, id, *seconds).await;
            }
            tx.commit().await.expect("a commit");
            let tx = world.store.write(&context(theirs())).await.expect("a transaction");
            write(&tx, u128::MAX, 1).await;
            tx.commit().await.expect("a commit");

            let mut expected: Vec<_> = times.iter().zip(1_u128..).collect();
            expected.sort_by(|a, b| b.cmp(a));
            let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
            let (mut found, mut cursor) = (Vec::new(), None);
            loop {
                let Page { items, next_cursor } = page(&world, limit, cursor).await;
                assert!(items.len() <= limit as usize);
                found.extend(items);
                cursor = next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected);
        });
    }
}

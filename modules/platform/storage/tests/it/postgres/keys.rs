//! Unique keys, of which PostgreSQL does not tell the columns where policies are in force.

use sea_orm::ActiveValue::Set;
use storage::{Store, StoreError};

use super::module::OwnModule;
use crate::{
    entities::{Migrator, counter},
    later::WithTags,
    world::{context, note, ours},
};

async fn second_of_a_value(store: &Store) -> StoreError {
    let tx = store.write(&context(ours())).await.expect("a transaction");
    let counter = |name: &str| counter::ActiveModel {
        name: Set(name.to_owned()),
        value: Set(5),
        ..Default::default()
    };
    tx.insert(counter("one")).await.expect("the first");
    tx.insert(counter("two")).await.expect_err("of the same value")
}

#[tokio::test]
async fn a_key_that_a_newer_build_has_added_is_known_by_the_second_time() {
    let module = OwnModule::migrated::<Migrator>().await;
    let older = module.open::<Migrator>().await.expect("a store");
    module.schema().await.up::<WithTags>().await.expect("up");
    let first = second_of_a_value(&older).await;
    assert!(matches!(&first, StoreError::Unique { key, .. } if key.table == "counters"), "{first}");
    let known = async {
        while !second_of_a_value(&older).await.is_unique_on("counters", "value") {
            tokio::task::yield_now().await;
        }
    };
    let known = tokio::time::timeout(std::time::Duration::from_secs(10), known).await;
    known.expect("it was read again");
}

#[tokio::test]
async fn a_foreign_row_is_in_the_way_without_being_told_of() {
    let module = OwnModule::migrated::<Migrator>().await;
    let store = module.open::<Migrator>().await.expect("a store");
    let tx = store.write(&context(crate::world::theirs())).await.expect("a transaction");
    tx.insert(note(1, "a secret title")).await.expect("a note");
    tx.commit().await.expect("a commit");
    let tx = store.write(&context(ours())).await.expect("a transaction");
    let error = tx.insert(note(1, "ours")).await.expect_err("the id is taken");
    assert!(error.is_unique_on("notes", "id"));
    assert!(!format!("{error:?}").contains("a secret title"), "{error:?}");
}

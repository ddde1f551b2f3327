//! What only the embedded engine does: a file is opened, owned and closed.

use std::{error::Error, sync::Arc};

use kernel::{RandomIds, SystemClock};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use storage::{Engine, Store, StoreConfig, StoreError, StoreParts};
use tempfile::TempDir;

use crate::world::{World, context, note, ours};

struct Nowhere;

impl seam::EventRoutes for Nowhere {
    fn destinations(&self, _event_type: &str) -> Vec<String> {
        Vec::new()
    }

    fn destinations_of(&self, _publisher: &str) -> Vec<String> {
        Vec::new()
    }
}

fn parts() -> StoreParts {
    StoreParts { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds), routes: Arc::new(Nowhere) }
}

#[tokio::test]
async fn a_file_has_one_owner() {
    let world = World::new().await;
    let refused = world.open_again().await.expect_err("the file is taken");
    assert!(matches!(&refused, StoreError::Locked { path, .. } if *path == world.path()));
    let message = refused.to_string();
    assert!(message.contains(&world.path().display().to_string()), "{message}");
    world.store.ping().await.expect("the owner is not disturbed");
}

#[tokio::test]
async fn a_closed_file_is_free_and_keeps_its_rows() {
    let world = World::new().await;
    let tx = world.store.write(&context(ours())).await.expect("a transaction");
    tx.insert(note(1, "kept")).await.expect("a note");
    tx.commit().await.expect("a commit");
    world.store.clone().close().await;
    let again = world.open_again().await.expect("the file is free");
    let reader = again.read(&context(ours())).expect("a reader");
    let count = reader.find::<crate::entities::note::Entity>().count().await;
    assert_eq!(count.expect("a count"), 1);

    let closed = world.store.ping().await.expect_err("the old handle is closed");
    assert!(matches!(closed, StoreError::Busy { .. }), "{closed}");
}

#[tokio::test]
async fn the_last_handle_frees_the_file() {
    let world = World::new().await;
    let path = world.path();
    let World { store, .. } = &world;
    let clone = store.clone();
    clone.close().await;
    assert!(path.exists());
    world.open_again().await.expect("the file is free");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").expect("a file");
    let engine = Engine::Sqlite { path: file.join("notes.db") };
    let config = StoreConfig { module: "notes", engine };
    let refused = Store::open::<crate::entities::Migrator>(config, parts()).await;
    let refused = refused.expect_err("a file is no folder");
    assert!(matches!(&refused, StoreError::Open { path, .. } if *path == file), "{refused}");
    assert!(refused.source().is_some());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("notes.db");
    std::fs::write(&path, "this is a letter, not a database, and long enough to be looked at")
        .expect("a file");
    let config = StoreConfig { module: "notes", engine: Engine::Sqlite { path: path.clone() } };
    let refused = Store::open::<crate::entities::Migrator>(config, parts()).await;
    assert!(refused.is_err());
    let kept = std::fs::read_to_string(&path).expect("the file");
    assert!(kept.starts_with("this is a letter"), "it is left alone");
}

/// A build that does not know all the migrations of a file is too old for it.
#[tokio::test]
async fn an_older_build_leaves_a_newer_file_alone() {
    struct Older;

    impl MigratorTrait for Older {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            storage::migrations()
        }
    }

    let world = World::new().await;
    let path = world.path();
    world.store.clone().close().await;
    let config = StoreConfig { module: "notes", engine: Engine::Sqlite { path } };
    let refused = Store::open::<Older>(config, parts()).await.expect_err("it is too old");
    assert!(matches!(refused, StoreError::Migration { .. }), "{refused}");
    drop(refused);
    world.open_again().await.expect("the newer build opens it still");
}

//! A store of its own for each test, and two tenants.

use std::{path::PathBuf, sync::Arc, time::Duration};

use databases::TestDatabase;
use kernel::{
    Aggregate, CallContext, CallId, CallKey, Event, ManualClock, Principal, SequentialIds,
    TenantId, Timestamp,
};
use sea_orm::ActiveValue::{NotSet, Set};
use seam::EventRoutes;
use serde::{Deserialize, Serialize};
use storage::{Engine, Store, StoreConfig, StoreError, StoreParts, SystemScope};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::entities::{Migrator, note};

pub(crate) static TESTS: SystemScope =
    SystemScope { name: "tests", why: "a test looks at what is stored" };

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: TestDatabase,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new::<Migrator>("notes").await.expect("a database");
        let clock = Arc::new(ManualClock::new(start()));
        let store = open(database.engine(), parts(&clock)).await.expect("a new store");
        Self { store, clock, database }
    }

    /// The file of the embedded engine.
    pub(crate) fn path(&self) -> PathBuf {
        self.database.folder().join("data/notes.db")
    }

    pub(crate) async fn open_again(&self) -> Result<Store, StoreError> {
        open(self.database.engine(), parts(&self.clock)).await
    }

    /// All notes of both tenants, as `(tenant, title, stars)`, ordered.
    pub(crate) async fn all_notes(&self) -> Vec<(TenantId, String, i64)> {
        let notes = self.store.system(&TESTS).find::<note::Entity>().all().await;
        let mut notes: Vec<_> = notes
            .expect("the notes")
            .into_iter()
            .map(|note| (TenantId(note.tenant_id), note.title, note.stars))
            .collect();
        notes.sort();
        notes
    }
}

pub(crate) async fn open(engine: Engine, parts: StoreParts) -> Result<Store, StoreError> {
    let config = StoreConfig { module: "notes", engine };
    Store::open::<Migrator>(config, parts).await
}

pub(crate) fn parts(clock: &Arc<ManualClock>) -> StoreParts {
    StoreParts {
        clock: Arc::clone(clock) as _,
        ids: Arc::new(SequentialIds::default()),
        routes: Arc::new(Routes),
    }
}

pub(crate) fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

/// `note_written` goes to two modules, everything else nowhere.
struct Routes;

impl EventRoutes for Routes {
    fn destinations(&self, event_type: &str) -> Vec<String> {
        let known = [NoteWritten::TYPE, NoteQuoted::TYPE].contains(&event_type);
        if known { self.destinations_of("notes") } else { Vec::new() }
    }

    fn destinations_of(&self, _publisher: &str) -> Vec<String> {
        vec!["search".into(), "notifications".into()]
    }
}

/// A fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct NoteWritten {
    pub(crate) note: Uuid,
}

impl Event for NoteWritten {
    const TYPE: &'static str = "notes.note_written";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("note", self.note, 1)
    }
}

/// A fact of any length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct NoteQuoted {
    pub(crate) text: String,
}

impl Event for NoteQuoted {
    const TYPE: &'static str = "notes.note_quoted";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("note", Uuid::nil(), 1)
    }
}

/// A fact that nobody takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct NoteRead {
    pub(crate) note: Uuid,
}

impl Event for NoteRead {
    const TYPE: &'static str = "notes.note_read";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("note", self.note, 1)
    }
}

pub(crate) fn ours() -> TenantId {
    TenantId(Uuid::from_u128(0xa))
}

pub(crate) fn theirs() -> TenantId {
    TenantId(Uuid::from_u128(0xb))
}

pub(crate) fn context(tenant: TenantId) -> CallContext {
    let principal = Principal::service_for("tests", tenant);
    CallContext::new(principal, CallId(Uuid::from_u128(7)), Duration::from_secs(60))
}

pub(crate) fn keyed(tenant: TenantId, key: &str) -> CallContext {
    context(tenant).with_key(CallKey::new(key))
}

pub(crate) fn note(id: u128, title: &str) -> note::ActiveModel {
    note::ActiveModel {
        id: Set(Uuid::from_u128(id)),
        tenant_id: NotSet,
        title: Set(title.to_owned()),
        stars: Set(0),
        written_at: Set(start().into()),
    }
}

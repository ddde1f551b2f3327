use std::{
    collections::{BTreeSet, HashMap},
    ops::Deref,
    path::Path,
    sync::Arc,
};

use databases::{DatabaseError, TestDatabase};
use kernel::{Clock, Ids, ManualClock, RandomIds, SequentialIds, Timestamp};
use sea_orm_migration::MigratorTrait;
use seam::EventRoutes;
use storage::{Store, StoreConfig, StoreError, StoreParts};
use time::macros::datetime;

/// When tests begin, unless they say otherwise: 2026-03-01T12:00:00Z.
#[must_use]
pub fn noon() -> Timestamp {
    Timestamp::new(datetime!(2026-03-01 12:00 UTC))
}

/// A module's store in a database of its own, which goes with it, on the engine that the test run
/// is for. Used as the [`Store`] that it is.
pub struct TestStore {
    store: Store,
    clock: Arc<ManualClock>,
    database: TestDatabase,
}

impl TestStore {
    /// Opens a new store for `module`: its clock stands at [`noon`], its ids count from 1, and its
    /// events go nowhere.
    ///
    /// # Errors
    /// The database's, or the store's.
    pub async fn open<M: MigratorTrait>(module: &'static str) -> Result<Self, TestStoreError> {
        Self::builder(module).open::<M>().await
    }

    /// Starts with what [`TestStore::open`] has.
    #[must_use]
    pub fn builder(module: &'static str) -> TestStoreBuilder {
        TestStoreBuilder {
            module,
            clock: Arc::new(ManualClock::new(noon())),
            ids: Arc::new(SequentialIds::default()),
            routes: FixedRoutes::default(),
        }
    }

    /// The clock that the store is stamped by.
    #[must_use]
    pub const fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// Where other files of the test may be.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.database.folder()
    }

    /// Where its data are: to open them once more.
    #[must_use]
    pub const fn database(&self) -> &TestDatabase {
        &self.database
    }
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Why a test has no store.
#[derive(Debug, thiserror::Error)]
pub enum TestStoreError {
    /// Its database could not be made.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Says what a [`TestStore`] is to have.
pub struct TestStoreBuilder {
    module: &'static str,
    clock: Arc<ManualClock>,
    ids: Arc<dyn Ids>,
    routes: FixedRoutes,
}

impl TestStoreBuilder {
    /// Shares a clock with others.
    #[must_use]
    pub fn clock(mut self, clock: Arc<ManualClock>) -> Self {
        self.clock = clock;
        self
    }

    /// Ids that are unique beyond this store: for tests of several modules.
    #[must_use]
    pub fn random_ids(mut self) -> Self {
        self.ids = Arc::new(RandomIds);
        self
    }

    /// Has events of `event_type` go to `destination` too.
    #[must_use]
    pub fn route(mut self, event_type: &str, destination: &str) -> Self {
        self.routes.0.entry(event_type.to_owned()).or_default().push(destination.to_owned());
        self
    }

    /// Opens it.
    ///
    /// # Errors
    /// The database's, or the store's.
    pub async fn open<M: MigratorTrait>(self) -> Result<TestStore, TestStoreError> {
        let Self { module, clock, ids, routes } = self;
        let database = TestDatabase::new::<M>(module).await?;
        let config = StoreConfig { module, engine: database.engine() };
        let parts = StoreParts {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ids,
            routes: Arc::new(routes),
        };
        let store = Store::open::<M>(config, parts).await?;
        Ok(TestStore { store, clock, database })
    }
}

/// Routes that a test names one by one.
#[derive(Clone, Debug, Default)]
pub struct FixedRoutes(HashMap<String, Vec<String>>);

impl EventRoutes for FixedRoutes {
    fn destinations(&self, event_type: &str) -> Vec<String> {
        self.0.get(event_type).cloned().unwrap_or_default()
    }

    fn destinations_of(&self, _publisher: &str) -> Vec<String> {
        self.0.values().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }
}

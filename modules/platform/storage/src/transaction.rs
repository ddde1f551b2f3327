//! What both scopes write in.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use kernel::TenantId;
use sea_orm::DbErr;

use crate::{
    News, Store, StoreError,
    engine::{Open, Sight},
    link::Link,
    spans,
};

/// An open transaction of either scope, or a savepoint in one.
#[derive(Debug)]
pub(crate) struct Transaction {
    /// Rolls back when it is dropped.
    open: Open,
    store: Store,
    failed: AtomicBool,
    /// Statements that were begun and have not ended.
    running: AtomicU32,
    /// What there is to do once it is committed.
    news: Box<Mutex<News>>,
    #[cfg(feature = "failpoints")]
    apart: Box<crate::apart::Apart>,
}

impl Transaction {
    pub(crate) async fn begin(store: &Store, sight: Sight) -> Result<Self, StoreError> {
        let begin = spans::transaction(store, "BEGIN");
        let begun = begin.around(store.database().begin(sight)).await;
        let open = begun.map_err(|error| store.explain(error))?;
        let begun = Self::around(open, store);
        #[cfg(feature = "failpoints")]
        let begun = Self { apart: Box::new(crate::apart::Apart::of(sight)), ..begun };
        Ok(begun)
    }

    /// A part of this transaction that can be rolled back alone. It must end before this one does.
    pub(crate) async fn savepoint(&self) -> Result<Self, StoreError> {
        self.link()?;
        let begun = self.run(self.open.savepoint()).await;
        Ok(Self::around(begun.map_err(|error| self.failed(error))?, &self.store))
    }

    fn around(open: Open, store: &Store) -> Self {
        Self {
            open,
            store: store.clone(),
            failed: AtomicBool::new(false),
            running: AtomicU32::new(0),
            news: Box::default(),
            #[cfg(feature = "failpoints")]
            apart: Box::new(crate::apart::Apart::of(Sight::System)),
        }
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// The connection itself: for [`Link`].
    pub(crate) const fn open(&self) -> &Open {
        &self.open
    }

    /// From here on, whose rows the database shows.
    pub(crate) async fn narrow_to(&self, tenant: TenantId) -> Result<(), StoreError> {
        self.must_be_sound()?;
        self.run(self.open.narrow_to(tenant)).await.map_err(|error| self.failed(error))
    }

    pub(crate) fn link(&self) -> Result<Link<'_>, StoreError> {
        self.must_be_sound()?;
        Ok(Link::Transaction(self))
    }

    /// Runs a statement. Where its future is dropped half-way, whether it failed is not known, and
    /// the transaction cannot be committed.
    pub(crate) async fn run<T>(&self, statement: impl Future<Output = T>) -> T {
        self.running.fetch_add(1, Ordering::Relaxed);
        let outcome = statement.await;
        self.running.fetch_sub(1, Ordering::Relaxed);
        outcome
    }

    /// Explains the failure of a statement, after which the transaction can only be rolled back.
    pub(crate) fn failed(&self, error: DbErr) -> StoreError {
        self.failed.store(true, Ordering::Relaxed);
        self.store.explain(error)
    }

    /// What the module's engine is to be told once this is committed.
    pub(crate) fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.must_be_whole()?;
        // Rows that others write meanwhile come later, and are committed and sent before these.
        #[cfg(feature = "failpoints")]
        if !self.news().is_none() {
            failpoints::reach("storage::outbox_before_commit").await;
        }
        let commit = spans::transaction(&self.store, "COMMIT");
        let committed = commit.around(self.open.commit()).await;
        let (module, database) = (self.store.module(), self.store.database());
        committed.map_err(|error| database.explain_commit(module, error))?;
        #[cfg(feature = "failpoints")]
        self.apart.write(&self.store).await?;
        self.store.newsboard().post(self.news.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// The rows that are to be written here: none of them, where a campaign breaks the outbox.
    #[cfg(feature = "failpoints")]
    pub(crate) fn set_apart(
        &self,
        rows: Vec<crate::tables::outbox::ActiveModel>,
    ) -> Vec<crate::tables::outbox::ActiveModel> {
        self.apart.keep(rows)
    }

    /// Ends a savepoint and makes what it did part of `outer`.
    pub(crate) async fn release_into(self, outer: &Self) -> Result<(), StoreError> {
        self.must_be_whole()?;
        self.open.commit().await.map_err(|error| outer.failed(error))?;
        #[cfg(feature = "failpoints")]
        outer.apart.take_over(*self.apart);
        outer.news().add(self.news.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// Undoes what a savepoint did.
    pub(crate) async fn undo_in(self, outer: &Self) -> Result<(), StoreError> {
        self.open.rollback().await.map_err(|error| outer.failed(error))
    }

    fn must_be_whole(&self) -> Result<(), StoreError> {
        self.must_be_sound()?;
        if self.running.load(Ordering::Relaxed) > 0 {
            return Err(StoreError::Aborted { module: self.store.module() });
        }
        Ok(())
    }

    fn must_be_sound(&self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(StoreError::Aborted { module: self.store.module() });
        }
        Ok(())
    }
}

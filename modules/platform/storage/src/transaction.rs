//! Writing: as a tenant, or as the system.

use std::sync::atomic::{AtomicBool, Ordering};

use kernel::{CallContext, Event, EventId, TenantId, Timestamp};
use sea_orm::{
    ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    TransactionTrait,
};

use crate::{
    DeclaredEntity, DeleteMany, InTransaction, Query, Scheduled, Store, StoreError, SystemScope,
    TenantEntity, UpdateMany,
    publish::{self, Origin},
    query::{Link, On, tenant_filter},
    scope, sqlite, write,
};

/// A transaction on the rows of one tenant. Rolled back where it is dropped without
/// [`commit`](TenantTx::commit).
///
/// The first statement that fails ends it: whatever follows is [`StoreError::Aborted`]. What may
/// collide is written with [`insert_new`](TenantTx::insert_new), which does not fail.
pub struct TenantTx {
    tx: Transaction,
    tenant: TenantId,
    ctx: CallContext,
}

impl TenantTx {
    pub(crate) const fn new(tx: Transaction, tenant: TenantId, ctx: CallContext) -> Self {
        Self { tx, tenant, ctx }
    }

    /// Whose rows these are.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The store that the transaction is on.
    #[must_use]
    pub const fn store(&self) -> &Store {
        self.tx.store()
    }

    /// Starts a query over the tenant's rows of `E`.
    #[must_use]
    pub fn find<E: TenantEntity>(&self) -> Query<'_, E, InTransaction> {
        Query::new(On::Transaction(&self.tx), E::find().filter(tenant_filter::<E>(self.tenant)))
    }

    /// Inserts a row of the tenant, whose column is set here.
    ///
    /// # Errors
    /// [`StoreError::ForeignTenant`] where the row names another, [`StoreError::Unique`], or the
    /// database's.
    pub async fn insert<A>(&self, row: A) -> Result<<A::Entity as EntityTrait>::Model, StoreError>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantEntity,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        let row = write::for_tenant(self.store(), self.tenant, row)?;
        write::insert(&self.tx, row).await
    }

    /// Inserts those rows of the tenant that collide with none in `conflict_columns`, which are
    /// the columns of a unique key, and says how many these were.
    ///
    /// # Errors
    /// [`StoreError::ForeignTenant`] where a row names another, [`StoreError::Unique`] on another
    /// key, or the database's.
    pub async fn insert_new<A>(
        &self,
        rows: Vec<A>,
        conflict_columns: &[<A::Entity as EntityTrait>::Column],
    ) -> Result<u64, StoreError>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantEntity,
    {
        let owned = rows.into_iter().map(|row| write::for_tenant(self.store(), self.tenant, row));
        write::insert_new(&self.tx, owned.collect::<Result<_, _>>()?, conflict_columns).await
    }

    /// Changes the row that has the primary key of `row`, in the columns that are set in it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the tenant has no such row, [`StoreError::ForeignTenant`]
    /// where `row` names another tenant, [`StoreError::Unique`], or the database's.
    pub async fn update<A>(&self, row: A) -> Result<<A::Entity as EntityTrait>::Model, StoreError>
    where
        A: ActiveModelTrait + Send,
        A::Entity: TenantEntity,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        let row = write::for_tenant(self.store(), self.tenant, row)?;
        write::update_of_tenant(&self.tx, self.tenant, row).await
    }

    /// Starts an update of the tenant's rows of `E`.
    pub fn update_many<E: TenantEntity>(&self) -> UpdateMany<'_, E> {
        UpdateMany::of_tenant(&self.tx, self.tenant)
    }

    /// Starts a deletion of the tenant's rows of `E`.
    pub fn delete_many<E: TenantEntity>(&self) -> DeleteMany<'_, E> {
        DeleteMany::of_tenant(&self.tx, self.tenant)
    }

    /// Publishes a fact about the tenant: it is told when, and only when, this commits.
    ///
    /// # Errors
    /// [`StoreError::Json`], or the database's.
    pub async fn publish<E: Event>(&self, event: &E) -> Result<EventId, StoreError> {
        publish::publish(&self.tx, &self.origin(), event).await
    }

    /// Has this module told of `event` at `due`, unless it is [cancelled](TenantTx::cancel) before.
    /// While one waits under `key`, a second is not taken.
    ///
    /// # Errors
    /// [`StoreError::Json`], or the database's.
    pub async fn schedule<E: Event>(
        &self,
        due: Timestamp,
        key: &str,
        event: &E,
    ) -> Result<Scheduled, StoreError> {
        publish::schedule(&self.tx, &self.origin(), due, key, event).await
    }

    /// Takes back what waits under `key`; `false` where nothing does (any more).
    ///
    /// # Errors
    /// The database's.
    pub async fn cancel(&self, key: &str) -> Result<bool, StoreError> {
        publish::cancel(&self.tx, Some(self.tenant), key).await
    }

    /// Goes on with the same transaction as the system: what it did so far stays in it.
    #[must_use]
    pub fn into_system(self, scope: &'static SystemScope) -> SystemTx {
        SystemTx::new(self.tx, scope)
    }

    /// Makes it so.
    ///
    /// # Errors
    /// [`StoreError::CommitUnknown`], or an error after which nothing was done.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await
    }

    pub(crate) const fn ctx(&self) -> &CallContext {
        &self.ctx
    }

    pub(crate) fn into_tx(self) -> Transaction {
        self.tx
    }

    fn origin(&self) -> Origin<'_> {
        Origin { tenant: Some(self.tenant), ctx: &self.ctx }
    }
}

/// A transaction on the rows of all tenants and of none. Rolled back where it is dropped without
/// [`commit`](SystemTx::commit); ended by the first statement that fails, as a [`TenantTx`] is.
pub struct SystemTx {
    tx: Transaction,
}

impl SystemTx {
    pub(crate) fn new(tx: Transaction, scope: &'static SystemScope) -> Self {
        scope::audit(tx.store(), scope, "write");
        Self { tx }
    }

    /// The store that the transaction is on.
    #[must_use]
    pub const fn store(&self) -> &Store {
        self.tx.store()
    }

    /// Starts a query over all rows of `E`.
    #[must_use]
    pub fn find<E: DeclaredEntity>(&self) -> Query<'_, E, InTransaction> {
        Query::new(On::Transaction(&self.tx), E::find())
    }

    /// Inserts a row as it is.
    ///
    /// # Errors
    /// [`StoreError::Unique`], or the database's.
    pub async fn insert<A>(&self, row: A) -> Result<<A::Entity as EntityTrait>::Model, StoreError>
    where
        A: ActiveModelTrait + Send,
        A::Entity: DeclaredEntity,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        write::insert(&self.tx, row).await
    }

    /// Inserts those rows that collide with none in `conflict_columns`, which are the columns of a
    /// unique key, and says how many these were.
    ///
    /// # Errors
    /// [`StoreError::Unique`] on another key, or the database's.
    pub async fn insert_new<A>(
        &self,
        rows: Vec<A>,
        conflict_columns: &[<A::Entity as EntityTrait>::Column],
    ) -> Result<u64, StoreError>
    where
        A: ActiveModelTrait + Send,
        A::Entity: DeclaredEntity,
    {
        write::insert_new(&self.tx, rows, conflict_columns).await
    }

    /// Changes the row that has the primary key of `row`, in the columns that are set in it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unique`], or the database's.
    pub async fn update<A>(&self, row: A) -> Result<<A::Entity as EntityTrait>::Model, StoreError>
    where
        A: ActiveModelTrait + Send,
        A::Entity: DeclaredEntity,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        write::update(&self.tx, row).await
    }

    /// Starts an update of the rows of `E`.
    pub fn update_many<E: DeclaredEntity>(&self) -> UpdateMany<'_, E> {
        UpdateMany::of_all(&self.tx)
    }

    /// Starts a deletion of rows of `E`.
    pub fn delete_many<E: DeclaredEntity>(&self) -> DeleteMany<'_, E> {
        DeleteMany::of_all(&self.tx)
    }

    /// Publishes a fact about `tenant`, or about none, caused by the call that `ctx` is of.
    ///
    /// # Errors
    /// [`StoreError::Json`], or the database's.
    pub async fn publish<E: Event>(
        &self,
        tenant: Option<TenantId>,
        ctx: &CallContext,
        event: &E,
    ) -> Result<EventId, StoreError> {
        publish::publish(&self.tx, &Origin { tenant, ctx }, event).await
    }

    /// As [`TenantTx::schedule`]; keys of different tenants, and of none, never collide.
    ///
    /// # Errors
    /// [`StoreError::Json`], or the database's.
    pub async fn schedule<E: Event>(
        &self,
        tenant: Option<TenantId>,
        ctx: &CallContext,
        due: Timestamp,
        key: &str,
        event: &E,
    ) -> Result<Scheduled, StoreError> {
        publish::schedule(&self.tx, &Origin { tenant, ctx }, due, key, event).await
    }

    /// As [`TenantTx::cancel`].
    ///
    /// # Errors
    /// The database's.
    pub async fn cancel(&self, tenant: Option<TenantId>, key: &str) -> Result<bool, StoreError> {
        publish::cancel(&self.tx, tenant, key).await
    }

    /// Goes on with the same transaction as the tenant that `ctx` is for: what it did so far stays
    /// in it.
    ///
    /// # Errors
    /// [`StoreError::NoTenant`], which rolls it back.
    pub fn into_tenant(self, ctx: &CallContext) -> Result<TenantTx, StoreError> {
        let tenant = self.store().tenant_of(ctx)?;
        Ok(TenantTx::new(self.tx, tenant, ctx.clone()))
    }

    /// Makes it so.
    ///
    /// # Errors
    /// [`StoreError::CommitUnknown`], or an error after which nothing was done.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await
    }

    pub(crate) const fn tx(&self) -> &Transaction {
        &self.tx
    }
}

/// An open transaction of either scope, or a savepoint in one.
pub(crate) struct Transaction {
    /// Rolls back when it is dropped.
    raw: DatabaseTransaction,
    store: Store,
    failed: AtomicBool,
    wrote_outbox: AtomicBool,
}

impl Transaction {
    pub(crate) async fn begin(store: &Store) -> Result<Self, StoreError> {
        let begun = store.database().begin().await;
        let raw = begun.map_err(|error| sqlite::explain(store.module(), error))?;
        Ok(Self::around(raw, store))
    }

    /// A part of this transaction that can be rolled back alone. It must end before this one does.
    pub(crate) async fn savepoint(&self) -> Result<Self, StoreError> {
        self.link()?;
        let raw = self.raw.begin().await.map_err(|error| self.failed(error))?;
        Ok(Self::around(raw, &self.store))
    }

    fn around(raw: DatabaseTransaction, store: &Store) -> Self {
        Self {
            raw,
            store: store.clone(),
            failed: AtomicBool::new(false),
            wrote_outbox: AtomicBool::new(false),
        }
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// Migrations alone work on the connection itself.
    pub(crate) const fn raw(&self) -> &DatabaseTransaction {
        &self.raw
    }

    pub(crate) fn link(&self) -> Result<Link<'_>, StoreError> {
        self.must_be_sound()?;
        Ok(Link::Transaction(&self.raw))
    }

    /// Explains the failure of a statement, after which the transaction can only be rolled back.
    pub(crate) fn failed(&self, error: DbErr) -> StoreError {
        self.failed.store(true, Ordering::Relaxed);
        sqlite::explain(self.store.module(), error)
    }

    pub(crate) fn mark_outbox_written(&self) {
        self.wrote_outbox.store(true, Ordering::Relaxed);
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.must_be_sound()?;
        let committed = self.raw.commit().await;
        committed.map_err(|error| sqlite::explain_commit(self.store.module(), error))?;
        if self.wrote_outbox.into_inner() {
            self.store.outbox_written().notify_one();
        }
        Ok(())
    }

    /// Ends a savepoint and makes what it did part of `outer`.
    pub(crate) async fn release_into(self, outer: &Self) -> Result<(), StoreError> {
        self.must_be_sound()?;
        self.raw.commit().await.map_err(|error| outer.failed(error))?;
        outer.wrote_outbox.fetch_or(self.wrote_outbox.into_inner(), Ordering::Relaxed);
        Ok(())
    }

    /// Undoes what a savepoint did.
    pub(crate) async fn undo_in(self, outer: &Self) -> Result<(), StoreError> {
        self.raw.rollback().await.map_err(|error| outer.failed(error))
    }

    fn must_be_sound(&self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(StoreError::Aborted { module: self.store.module() });
        }
        Ok(())
    }
}

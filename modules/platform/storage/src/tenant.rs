//! A tenant's own rows.

use kernel::{CallContext, Event, EventId, TenantId, Timestamp};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{ExprTrait, IntoCondition},
};

use crate::{
    DeleteMany, InTransaction, Outside, Query, Scheduled, Store, StoreError, TenantEntity,
    UpdateMany, beside,
    engine::Sight,
    link::On,
    publish::{self, Origin},
    query::tenant_filter,
    transaction::Transaction,
    write,
};

/// Reads the rows of one tenant.
#[derive(Debug)]
pub struct TenantReader<'a> {
    store: &'a Store,
    tenant: TenantId,
}

impl<'a> TenantReader<'a> {
    pub(crate) const fn new(store: &'a Store, tenant: TenantId) -> Self {
        Self { store, tenant }
    }

    /// Whose rows these are.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Starts a query over the tenant's rows of `E`.
    pub fn find<E: TenantEntity>(&self) -> Query<'a, E, Outside> {
        let tenant = self.store.database().tenant_of_read(self.tenant);
        let own = ColumnTrait::into_expr(E::tenant_column()).eq(tenant);
        let on = On::Store(self.store, Sight::Tenant(self.tenant));
        Query::new(on, E::find().filter(own))
    }

    /// The first of the tenant's rows of `E` that `one` keeps, and how many of `F` fulfil `condition`,
    /// in one statement.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's.
    pub async fn one_and_count<E: TenantEntity, F: TenantEntity>(
        &self,
        one: impl FnOnce(Query<'a, E, Outside>) -> Query<'a, E, Outside>,
        condition: impl IntoCondition,
    ) -> Result<(Option<E::Model>, u64), StoreError> {
        beside::one_and_count(one(self.find()), self.find::<F>().filter(condition)).await
    }
}

/// A transaction on the rows of one tenant. Rolled back where it is dropped without
/// [`commit`](TenantTx::commit).
///
/// The first statement that fails ends it: whatever follows is [`StoreError::Aborted`]. What may
/// collide is written with [`insert_new`](TenantTx::insert_new), which does not fail.
#[derive(Debug)]
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
    /// [`StoreError::EventTooLarge`], [`StoreError::Json`], or the database's.
    pub async fn publish<E: Event>(&self, event: &E) -> Result<EventId, StoreError> {
        publish::publish(&self.tx, &self.origin(), event).await
    }

    /// Has this module told of `event` at `due`, unless it is [cancelled](TenantTx::cancel) before.
    /// While one waits under `key`, a second is not taken.
    ///
    /// # Errors
    /// [`StoreError::EventTooLarge`], [`StoreError::Json`], or the database's.
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

//! The rows of all, for purposes that have a name.

use kernel::{CallContext, Event, EventId, TenantId, Timestamp};
use sea_orm::{ActiveModelTrait, Condition, EntityTrait, IntoActiveModel};

use crate::{
    DeclaredEntity, DeleteMany, InTransaction, Outside, Query, Scheduled, Store, StoreError,
    TenantTx, UpdateMany,
    engine::Sight,
    link::On,
    publish::{self, Origin},
    transaction::Transaction,
    write,
};

/// A purpose for which a module looks beyond one tenant: a login by address, a webhook, a relay, a
/// sweep. A module lists all of its own in one file, `scopes.rs`.
///
/// ```
/// /// The address is all that a login knows.
/// pub static LOGIN: storage::SystemScope =
///     storage::SystemScope { name: "login", why: "the tenant is known only after the login" };
/// ```
#[derive(Debug)]
pub struct SystemScope {
    /// Such as `auth.sign_in`.
    pub name: &'static str,
    /// Why a tenant's scope does not do.
    pub why: &'static str,
}

/// Reads the rows of all tenants and of none.
#[derive(Debug)]
pub struct SystemReader<'a> {
    store: &'a Store,
}

impl<'a> SystemReader<'a> {
    pub(crate) fn new(store: &'a Store, scope: &'static SystemScope) -> Self {
        audit(store, scope, "read");
        Self { store }
    }

    /// Starts a query over all rows of `E`.
    pub fn find<E: DeclaredEntity>(&self) -> Query<'a, E, Outside> {
        Query::new(On::Store(self.store, Sight::System), E::find())
    }
}

/// A transaction on the rows of all tenants and of none. Rolled back where it is dropped without
/// [`commit`](SystemTx::commit); ended by the first statement that fails, as a [`TenantTx`] is.
#[derive(Debug)]
pub struct SystemTx {
    tx: Transaction,
}

/// What became of [`SystemTx::insert_into_tenant`].
#[derive(Debug)]
pub enum InTenant {
    /// The row is inserted, and the transaction the tenant's from here on.
    Inserted(TenantTx),
    /// Nothing was done.
    Not(SystemTx),
}

impl SystemTx {
    pub(crate) fn new(tx: Transaction, scope: &'static SystemScope) -> Self {
        audit(tx.store(), scope, "write");
        Self { tx }
    }

    /// The store that the transaction is on.
    #[must_use]
    pub const fn store(&self) -> &Store {
        self.tx.store()
    }

    /// Starts a query over all rows of `E`.
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

    /// Inserts `row` and goes on as the tenant that `ctx` is for, as
    /// [`into_tenant`](SystemTx::into_tenant) does, in a single statement; unless the row collides
    /// with another in `conflict_columns`, which are the columns of a unique key, or a row of its
    /// table fulfils `unless`: then nothing is done.
    ///
    /// # Errors
    /// [`StoreError::NoTenant`], [`StoreError::Unique`] on another key, or the database's, each of
    /// which rolls the transaction back.
    pub async fn insert_into_tenant<A>(
        self,
        ctx: &CallContext,
        row: A,
        conflict_columns: &[<A::Entity as EntityTrait>::Column],
        unless: Condition,
    ) -> Result<InTenant, StoreError>
    where
        A: ActiveModelTrait + Send,
        A::Entity: DeclaredEntity,
    {
        let tenant = self.store().tenant_of(ctx)?;
        if write::insert_and_narrow(&self.tx, tenant, row, conflict_columns, unless).await? {
            Ok(InTenant::Inserted(TenantTx::new(self.tx, tenant, ctx.clone())))
        } else {
            Ok(InTenant::Not(self))
        }
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
    /// [`StoreError::EventTooLarge`], [`StoreError::Json`], or the database's.
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
    /// [`StoreError::EventTooLarge`], [`StoreError::Json`], or the database's.
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
    /// in it. There is no way back: a tenant's work never becomes the system's.
    ///
    /// # Errors
    /// [`StoreError::NoTenant`], or the database's, each of which rolls it back.
    pub async fn into_tenant(self, ctx: &CallContext) -> Result<TenantTx, StoreError> {
        let tenant = self.store().tenant_of(ctx)?;
        self.tx.narrow_to(tenant).await?;
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

/// Leaves a trace of each use of a system scope.
fn audit(store: &Store, scope: &'static SystemScope, access: &'static str) {
    tracing::debug!(
        service.name = store.module(),
        scope.name = scope.name,
        scope.access = access,
        "a system scope was opened"
    );
}

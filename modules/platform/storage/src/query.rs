//! The query builders. What a scope adds (the tenant's filter) is in them before the caller gets
//! them, and every later filter is joined to it by AND.

use std::marker::PhantomData;

use kernel::{Cursor, Page, PageRequest, TenantId};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, ModelTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
    prelude::Uuid,
    sea_query::{Asterisk, Expr, ExprTrait, Func, IntoCondition, SelectStatement},
};

use time::OffsetDateTime;

use crate::{Store, StoreError, TenantEntity, link::On, transaction::Transaction};

/// A query outside a transaction.
#[derive(Debug)]
pub struct Outside;

/// A query inside a write transaction.
#[derive(Debug)]
pub struct InTransaction;

/// A select that has not run yet.
#[must_use = "a query does nothing until it is run with `one`, `all`, `page`, `count`, `exists` or `sum`"]
pub struct Query<'a, E: EntityTrait, Place = Outside> {
    on: On<'a>,
    select: Select<E>,
    place: PhantomData<Place>,
}

impl<'a, E: EntityTrait, Place> Query<'a, E, Place> {
    pub(crate) const fn new(on: On<'a>, select: Select<E>) -> Self {
        Self { on, select, place: PhantomData }
    }

    pub(crate) fn into_parts(self) -> (On<'a>, Select<E>) {
        (self.on, self.select)
    }

    /// Keeps only the rows that also fulfil `condition`. A sub-select in it is taken as it is: give
    /// it the tenant yourself.
    pub fn filter(mut self, condition: impl IntoCondition) -> Self {
        self.select = self.select.filter(condition);
        self
    }

    /// Orders by `column`, then by what is added later.
    pub fn order_by_asc(mut self, column: E::Column) -> Self {
        self.select = self.select.order_by_asc(column);
        self
    }

    /// Orders by `column` downwards, then by what is added later.
    pub fn order_by_desc(mut self, column: E::Column) -> Self {
        self.select = self.select.order_by_desc(column);
        self
    }

    /// Returns at most `rows`.
    pub fn limit(mut self, rows: u64) -> Self {
        self.select = self.select.limit(rows);
        self
    }

    /// The first row.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's.
    pub async fn one(self) -> Result<Option<E::Model>, StoreError> {
        let link = self.on.link()?;
        self.select.one(&link).await.map_err(|error| self.on.failed(error))
    }

    /// All rows.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's.
    pub async fn all(self) -> Result<Vec<E::Model>, StoreError> {
        let link = self.on.link()?;
        self.select.all(&link).await.map_err(|error| self.on.failed(error))
    }

    /// The page that `request` asks for, the newest first: by `at`, a time, and by `id`, which
    /// orders rows of the same time. The query must have neither order nor limit of its own. A page
    /// begins after the last row of the one before, so it stays right while rows come.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's, also where `at` is no time or `id` no UUID.
    pub async fn page(
        self,
        request: &PageRequest,
        at: E::Column,
        id: E::Column,
    ) -> Result<Page<E::Model>, StoreError> {
        let on = self.on;
        let mut rows = self;
        if let Some(Cursor { at: last, id: last_id }) = request.cursor {
            let last = last.to_offset_date_time();
            let same_time = Condition::all().add(at.eq(last)).add(id.lt(last_id));
            rows = rows.filter(Condition::any().add(at.lt(last)).add(same_time));
        }
        let rows = rows
            .order_by_desc(at)
            .order_by_desc(id)
            .limit(u64::from(request.size()) + 1)
            .all()
            .await?;
        let (mut items, size) = (rows, request.size() as usize);
        // The row too many tells that there is a next page.
        let more = items.len() > size;
        items.truncate(size);
        let last = items.last().filter(|_| more).map(|row| position::<E>(row, at, id));
        let next_cursor = last.transpose().map_err(|error| on.failed(error))?;
        Ok(Page { items, next_cursor })
    }

    /// How many rows there are, within `limit` where it is given.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's.
    pub async fn count(self) -> Result<u64, StoreError> {
        let count = aggregate(self.on, &counting(self.select)).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Whether there is any row.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's.
    pub async fn exists(self) -> Result<bool, StoreError> {
        Ok(self.limit(1).count().await? > 0)
    }

    /// The sum of an integer column; 0 where there is no row.
    ///
    /// # Errors
    /// [`StoreError::Busy`], or the database's, such as a sum beyond 64 bits.
    pub async fn sum(self, column: E::Column) -> Result<i64, StoreError> {
        let summand = column.into_expr();
        let rows = self.select.select_only().expr_as(summand, "summand").into_query();
        // PostgreSQL sums bigints as numeric, and no rows to null, as SQLite does.
        let sum = Func::coalesce([Func::sum(Expr::col("summand")).into(), Expr::val(0)]);
        aggregate(self.on, &over(rows, Expr::from(sum).cast_as("bigint"))).await
    }
}

impl<E: EntityTrait> Query<'_, E, InTransaction> {
    /// Keeps others from changing the rows until the transaction ends (`FOR UPDATE`). On the
    /// embedded engine the transaction is the only writer anyway.
    pub fn lock(mut self) -> Self {
        self.select = self.select.lock_exclusive();
        self
    }
}

/// An update of all rows that fulfil a condition.
#[must_use = "an update does nothing until `exec`"]
pub struct UpdateMany<'a, E: EntityTrait> {
    tx: &'a Transaction,
    update: sea_orm::UpdateMany<E>,
    /// The column that says whose the row is; never changed in a tenant's scope.
    fixed: Option<E::Column>,
    refused: bool,
}

impl<'a, E: EntityTrait> UpdateMany<'a, E> {
    pub(crate) fn of_tenant(tx: &'a Transaction, tenant: TenantId) -> Self
    where
        E: TenantEntity,
    {
        let update = E::update_many().filter(tenant_filter::<E>(tenant));
        Self { tx, update, fixed: Some(E::tenant_column()), refused: false }
    }

    pub(crate) fn of_all(tx: &'a Transaction) -> Self {
        Self { tx, update: E::update_many(), fixed: None, refused: false }
    }

    /// Sets `column` to a value, or to an expression over the row.
    pub fn set(mut self, column: E::Column, to: impl Into<Expr>) -> Self {
        use sea_orm::IdenStatic;

        self.refused |= self.fixed.is_some_and(|fixed| fixed.as_str() == column.as_str());
        self.update = self.update.col_expr(column, column.save_as(to.into()));
        self
    }

    /// Changes only the rows that also fulfil `condition`.
    pub fn filter(mut self, condition: impl IntoCondition) -> Self {
        self.update = self.update.filter(condition);
        self
    }

    /// Runs it, and says how many rows it changed.
    ///
    /// # Errors
    /// [`StoreError::ForeignTenant`] where it would move rows between tenants,
    /// [`StoreError::Unique`], or the database's.
    pub async fn exec(self) -> Result<u64, StoreError> {
        if self.refused {
            return Err(foreign_tenant::<E>(self.tx.store()));
        }
        let on = On::Transaction(self.tx);
        let link = on.link()?;
        let done = self.update.exec(&link).await.map_err(|error| on.failed(error))?;
        Ok(done.rows_affected)
    }
}

/// A deletion of all rows that fulfil a condition.
#[must_use = "a deletion does nothing until `exec`"]
pub struct DeleteMany<'a, E: EntityTrait> {
    tx: &'a Transaction,
    delete: sea_orm::DeleteMany<E>,
}

impl<'a, E: EntityTrait> DeleteMany<'a, E> {
    pub(crate) fn of_tenant(tx: &'a Transaction, tenant: TenantId) -> Self
    where
        E: TenantEntity,
    {
        Self { tx, delete: E::delete_many().filter(tenant_filter::<E>(tenant)) }
    }

    pub(crate) fn of_all(tx: &'a Transaction) -> Self {
        Self { tx, delete: E::delete_many() }
    }

    /// Deletes only the rows that also fulfil `condition`.
    pub fn filter(mut self, condition: impl IntoCondition) -> Self {
        self.delete = self.delete.filter(condition);
        self
    }

    /// Runs it, and says how many rows it deleted.
    ///
    /// # Errors
    /// The database's.
    pub async fn exec(self) -> Result<u64, StoreError> {
        let on = On::Transaction(self.tx);
        let link = on.link()?;
        let done = self.delete.exec(&link).await.map_err(|error| on.failed(error))?;
        Ok(done.rows_affected)
    }
}

/// Where `row` stands in a list ordered by `at` and `id`.
fn position<E: EntityTrait>(row: &E::Model, at: E::Column, id: E::Column) -> Result<Cursor, DbErr> {
    use sea_orm::sea_query::ValueType;

    let wrong = |_| DbErr::Type("a page is ordered by a time and a UUID".to_owned());
    let moment: OffsetDateTime = ValueType::try_from(row.get(at)).map_err(wrong)?;
    let id: Uuid = ValueType::try_from(row.get(id)).map_err(wrong)?;
    Ok(Cursor { at: moment.into(), id })
}

/// What every query of a tenant's scope is filtered by.
pub(crate) fn tenant_filter<E: TenantEntity>(tenant: TenantId) -> Expr {
    E::tenant_column().eq(tenant.0)
}

pub(crate) fn foreign_tenant<E: EntityTrait>(store: &Store) -> StoreError {
    StoreError::ForeignTenant { module: store.module(), table: E::default().table_name() }
}

/// What the number of an aggregate is called.
pub(crate) const VALUE: &str = "ashlar_value";

/// Asks how many rows `select` has.
pub(crate) fn counting<E: EntityTrait>(select: Select<E>) -> SelectStatement {
    let rows = select.select_only().expr_as(Expr::val(1), "one").into_query();
    over(rows, Func::count(Expr::col(Asterisk)).into())
}

/// `SELECT <value> FROM (<rows>)`, which has one row of one number.
fn over(mut rows: SelectStatement, value: Expr) -> SelectStatement {
    rows.clear_order_by();
    sea_orm::sea_query::Query::select().expr_as(value, VALUE).from_subquery(rows, "rows").take()
}

async fn aggregate(on: On<'_>, statement: &SelectStatement) -> Result<i64, StoreError> {
    let link = on.link()?;
    let found = async {
        let row = link.query_one(statement).await?;
        row.map_or(Ok(0), |row| row.try_get("", VALUE))
    };
    found.await.map_err(|error| on.failed(error))
}

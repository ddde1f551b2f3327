//! Inserts and updates of single rows.

use kernel::TenantId;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbErr, EntityName, EntityTrait,
    Insert, IntoActiveModel, Iterable, PrimaryKeyToColumn, QueryFilter, QueryTrait, Update, Value,
    sea_query::{Condition, Expr, ExprTrait, OnConflict, Query},
};

use crate::{
    Store, StoreError, TenantEntity,
    query::{foreign_tenant, tenant_filter},
    transaction::Transaction,
};

/// SQLite binds at most 32,766 values to a statement and PostgreSQL 65,535; rows beyond go into a
/// statement of their own.
const MOST_VALUES: usize = 30_000;

/// Makes `row` the tenant's.
///
/// # Errors
/// [`StoreError::ForeignTenant`] where it is another's already.
pub(crate) fn for_tenant<A>(store: &Store, tenant: TenantId, mut row: A) -> Result<A, StoreError>
where
    A: ActiveModelTrait,
    A::Entity: TenantEntity,
{
    let column = <A::Entity as TenantEntity>::tenant_column();
    let own = Value::from(tenant.0);
    match row.get(column) {
        ActiveValue::Set(value) | ActiveValue::Unchanged(value) if value != own => {
            Err(foreign_tenant::<A::Entity>(store))
        }
        _ => {
            row.try_set(column, own)
                .map_err(|source| StoreError::Database { module: store.module(), source })?;
            Ok(row)
        }
    }
}

pub(crate) async fn insert<A>(
    tx: &Transaction,
    row: A,
) -> Result<<A::Entity as EntityTrait>::Model, StoreError>
where
    A: ActiveModelTrait + Send,
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    let link = tx.link()?;
    Insert::one(row).exec_with_returning(&link).await.map_err(|error| tx.failed(error))
}

/// Inserts rows that collide with none, and does not read them back.
pub(crate) async fn append<A>(tx: &Transaction, rows: Vec<A>) -> Result<(), StoreError>
where
    A: ActiveModelTrait + Send,
{
    if !rows.is_empty() {
        let link = tx.link()?;
        let statement = Insert::many(rows).into_query();
        link.execute(&statement).await.map_err(|error| tx.failed(error))?;
    }
    Ok(())
}

pub(crate) async fn insert_new<A>(
    tx: &Transaction,
    mut rows: Vec<A>,
    conflict_columns: &[<A::Entity as EntityTrait>::Column],
) -> Result<u64, StoreError>
where
    A: ActiveModelTrait + Send,
{
    let columns = <A::Entity as EntityTrait>::Column::iter().count();
    let at_once = (MOST_VALUES / columns.max(1)).max(1);
    let mut inserted = 0;
    while !rows.is_empty() {
        let rest = rows.split_off(at_once.min(rows.len()));
        let mut collision = OnConflict::columns(conflict_columns.iter().copied());
        collision.do_nothing();
        let statement = Insert::many(rows).on_conflict(collision).into_query();
        let link = tx.link()?;
        let done = link.execute(&statement).await.map_err(|error| tx.failed(error))?;
        inserted += done.rows_affected();
        rows = rest;
    }
    Ok(inserted)
}

/// Inserts `row` and goes on as `tenant`, unless it collides in `conflict_columns` or a row of its
/// table fulfils `unless`. All in one statement, as each would cost a round trip.
pub(crate) async fn insert_and_narrow<A>(
    tx: &Transaction,
    tenant: TenantId,
    row: A,
    conflict_columns: &[<A::Entity as EntityTrait>::Column],
    unless: Condition,
) -> Result<bool, StoreError>
where
    A: ActiveModelTrait + Send,
{
    let mut columns = Vec::new();
    let mut values = Query::select();
    for column in <A::Entity as EntityTrait>::Column::iter() {
        if let ActiveValue::Set(value) | ActiveValue::Unchanged(value) = row.get(column) {
            columns.push(column);
            values.expr(column.save_as(Expr::val(value)));
        }
    }
    let mut met = Query::select();
    met.expr(Expr::val(1)).from(A::Entity::default().table_ref()).cond_where(unless);
    values.and_where(Expr::exists(met).not());
    let mut insert = Query::insert();
    insert.into_table(A::Entity::default().table_ref()).columns(columns);
    // It fails where there are not as many values as columns.
    insert.select_from(values).expect("a value for each column");
    let mut collision = OnConflict::columns(conflict_columns.iter().copied());
    insert.on_conflict(collision.do_nothing().to_owned());
    let link = tx.link()?;
    // It is done for a row that was inserted, and for none else.
    insert.returning(Query::returning().exprs(tx.open().narrowing(tenant)));
    let inserted = link.query_all(&insert).await.map_err(|error| tx.failed(error))?;
    Ok(!inserted.is_empty())
}

pub(crate) async fn update<A>(
    tx: &Transaction,
    row: A,
) -> Result<<A::Entity as EntityTrait>::Model, StoreError>
where
    A: ActiveModelTrait + Send,
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    let link = tx.link()?;
    let updated = Update::one(row).exec(&link).await;
    updated.map_err(|error| unless_missing::<A>(tx, error))
}

/// `row` has been through [`for_tenant`]. The tenant's filter goes with it even so: its primary
/// key may be another tenant's.
pub(crate) async fn update_of_tenant<A>(
    tx: &Transaction,
    tenant: TenantId,
    mut row: A,
) -> Result<<A::Entity as EntityTrait>::Model, StoreError>
where
    A: ActiveModelTrait + Send,
    A::Entity: TenantEntity,
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    use sea_orm::IdenStatic;

    let column = <A::Entity as TenantEntity>::tenant_column();
    let mut key = <A::Entity as EntityTrait>::PrimaryKey::iter();
    if !key.any(|part| part.into_column().as_str() == column.as_str()) {
        row.not_set(column);
    }
    // Where no column is set, sea-orm would select by the primary key alone. Setting the tenant
    // to itself keeps it one statement with one filter.
    let link = tx.link()?;
    let mut update = Update::one(row)
        .validate()
        .map_err(|error| tx.failed(error))?
        .filter(tenant_filter::<A::Entity>(tenant));
    if update.as_query().get_values().is_empty() {
        QueryTrait::query(&mut update).value(column, tenant.0);
    }
    let updated = update.exec(&link).await;
    updated.map_err(|error| unless_missing::<A>(tx, error))
}

/// A row that is not there is an answer, not a failure of the transaction.
fn unless_missing<A: ActiveModelTrait>(tx: &Transaction, error: DbErr) -> StoreError {
    match error {
        DbErr::RecordNotUpdated | DbErr::RecordNotFound(_) => StoreError::NotFound {
            module: tx.store().module(),
            table: A::Entity::default().table_name(),
        },
        error => tx.failed(error),
    }
}

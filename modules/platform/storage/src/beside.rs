//! Two reads in one round trip.

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, FromQueryResult, JoinType, QueryResult, QuerySelect,
    QueryTrait,
    sea_query::{Asterisk, Expr, Query as Sql},
};

use crate::{
    Outside, Query, StoreError,
    query::{VALUE, counting},
};

/// Says that there is a row. No table has a column of this name.
const FOUND: &str = "ashlar_found";

/// The first row of `one`, and how many rows `counted` has. Both are of the same scope.
pub(crate) async fn one_and_count<E: EntityTrait, F: EntityTrait>(
    one: Query<'_, E, Outside>,
    counted: Query<'_, F, Outside>,
) -> Result<(Option<E::Model>, u64), StoreError> {
    let (on, found) = one.limit(1).into_parts();
    let (_, counted) = counted.into_parts();
    // A row of nulls is no row; that one came is said by a column that is never null.
    let found = found.expr_as(Expr::val(1), FOUND).into_query();
    let statement = Sql::select()
        .column(("counted", VALUE))
        .column(("found", Asterisk))
        .from_subquery(counting(counted), "counted")
        .join_subquery(JoinType::LeftJoin, found, "found", Expr::val(true))
        .take();
    let link = on.link()?;
    let read = async {
        let Some(row) = link.query_one(&statement).await? else { return Ok((None, 0)) };
        let count: i64 = row.try_get("", VALUE)?;
        Ok((found_in::<E>(&row)?, u64::try_from(count).unwrap_or_default()))
    };
    read.await.map_err(|error| on.failed(error))
}

fn found_in<E: EntityTrait>(row: &QueryResult) -> Result<Option<E::Model>, DbErr> {
    let found: Option<i32> = row.try_get("", FOUND)?;
    found.map(|_| E::Model::from_query_result(row, "")).transpose()
}

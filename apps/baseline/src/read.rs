//! The read.

use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool, Row as _, postgres::PgRow};
use time::OffsetDateTime;
use uuid::Uuid;

/// Carries the tenant to the policies and reads under them in one statement, as the product's store
/// does.
pub(crate) const CARRYING: &str = "\
    WITH scope AS MATERIALIZED \
    (SELECT set_config('app.current_tenant_id', $1, true)::uuid AS tenant) \
    SELECT found.* FROM scope CROSS JOIN LATERAL (\
    SELECT id, status, plan_id, price_id, quantity, currency, unit_amount, billing_interval, \
    current_period_start, current_period_end, created_at \
    FROM subscriptions WHERE tenant_id = scope.tenant AND status = 'active' LIMIT 1 OFFSET 0) AS found";

/// The same without anything that guards it.
pub(crate) const BARE: &str = "\
    SELECT id, status, plan_id, price_id, quantity, currency, unit_amount, billing_interval, \
    current_period_start, current_period_end, created_at \
    FROM billing.subscriptions WHERE tenant_id = $1::uuid AND status = 'active' LIMIT 1";

/// As clients see it: the same fields as the product's.
#[derive(Debug, Serialize)]
pub(crate) struct Subscription {
    id: Uuid,
    status: String,
    plan: String,
    price_id: String,
    quantity: i64,
    currency: String,
    unit_amount: i64,
    interval: String,
    #[serde(with = "time::serde::rfc3339::option")]
    current_period_start: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    current_period_end: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl Subscription {
    fn of(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get(0)?,
            status: row.try_get(1)?,
            plan: row.try_get(2)?,
            price_id: row.try_get(3)?,
            quantity: row.try_get(4)?,
            currency: row.try_get(5)?,
            unit_amount: row.try_get(6)?,
            interval: row.try_get(7)?,
            current_period_start: row.try_get(8)?,
            current_period_end: row.try_get(9)?,
            created_at: row.try_get(10)?,
        })
    }
}

/// Prepared at its first use on each connection, and kept there.
pub(crate) async fn one(
    pool: &PgPool,
    statement: &'static str,
    tenant: Uuid,
) -> sqlx::Result<Option<Subscription>> {
    // Both statements take it as text, as the setting does.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(tenant.to_string());
    query.fetch_optional(pool).await?.as_ref().map(Subscription::of).transpose()
}

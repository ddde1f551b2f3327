use actix_web::{
    get, post,
    web::{Data, Json},
};
use billing_api::{UsageEvent, UsageReceipt};
use kernel::{Page, PageRequest, Role};
use web::{ApiJson, ApiQuery, Caller, Problem, StandardErrors};

use super::{RecordError, UsageTotal};
use crate::{Billing, http::refused};

/// Reports usage, 1 to 1,000 events at a time: all of them are counted, or none.
///
/// An event is counted once per `id`, however often it is sent; the first one of an id counts. It
/// counts in the calendar month (UTC) that `at` falls into, which is at most 35 days ago and at
/// most 5 minutes ahead. For admins and owners.
#[utoipa::path(
    tag = "billing",
    request_body = Vec<UsageEvent>,
    responses((status = OK, body = UsageReceipt), StandardErrors),
    security(("bearer" = []))
)]
#[post("/usage-events")]
pub(crate) async fn report_usage(
    caller: Caller,
    events: ApiJson<Vec<UsageEvent>>,
    billing: Data<Billing>,
) -> Result<Json<UsageReceipt>, Problem> {
    caller.require(Role::Admin)?;
    Ok(Json(billing.report_usage(&caller, &events).await?))
}

/// What was used, per meter and calendar month (UTC), latest month first. For admins and owners.
#[utoipa::path(
    tag = "billing",
    params(PageRequest),
    responses((status = OK, body = Page<UsageTotal>), StandardErrors),
    security(("bearer" = []))
)]
#[get("/usage")]
pub(crate) async fn list_usage(
    caller: Caller,
    page: ApiQuery<PageRequest>,
    billing: Data<Billing>,
) -> Result<Json<Page<UsageTotal>>, Problem> {
    caller.require(Role::Admin)?;
    Ok(Json(billing.usage(&caller, &page).await?))
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Refused(refusal) => refused(refusal),
            RecordError::Store(error) => error.into(),
        }
    }
}

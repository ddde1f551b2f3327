use actix_web::{
    HttpRequest, HttpResponse, Responder, get, post,
    web::{Data, Json},
};
use billing_api::{UsageEvent, UsageReceipt};
use kernel::{Page, PageRequest, Role};
use web::{ApiJson, ApiQuery, Caller, OptionalRequestKey, Problem, Replayed, StandardErrors};

use super::{RecordError, ReportError, Reported, UsageTotal};
use crate::{Billing, http::refused};

/// Reports usage, 1 to 1,000 events at a time: all of them are counted, or none.
///
/// An event is counted once per `id`, however often it is sent; the first one of an id counts. An
/// id is known for 90 days. An event counts in the calendar month (UTC) that `at` falls into, which is at most 35 days ago and at
/// most 5 minutes ahead. For admins and owners.
///
/// The ids make it safe to send a batch again. Under an `Idempotency-Key` the repetition has the
/// first answer too, instead of one that says how much was counted before.
#[utoipa::path(
    tag = "billing",
    params(OptionalRequestKey),
    request_body = Vec<UsageEvent>,
    responses((status = OK, body = UsageReceipt), StandardErrors),
    security(("bearer" = []))
)]
#[post("/usage-events")]
pub(crate) async fn report_usage(
    request: HttpRequest,
    caller: Caller,
    OptionalRequestKey(key): OptionalRequestKey,
    events: ApiJson<Vec<UsageEvent>>,
    billing: Data<Billing>,
) -> Result<HttpResponse, Problem> {
    caller.require(Role::Admin)?;
    Ok(match billing.report_usage(&caller, &events, key.as_ref()).await? {
        Reported::Counted(receipt) => HttpResponse::Ok().json(receipt),
        Reported::Replayed { status, body } => Replayed { status, body }.respond_to(&request),
    })
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

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::KeyReused => Self::idempotency_key_reused(),
            ReportError::InFlight { retry_after } => Self::idempotency_key_in_use(retry_after),
            ReportError::Record(RecordError::Refused(refusal)) => refused(refusal),
            ReportError::Record(RecordError::Store(error)) | ReportError::Store(error) => {
                error.into()
            }
        }
    }
}

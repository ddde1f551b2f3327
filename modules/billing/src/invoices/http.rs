use actix_web::{
    get,
    web::{Data, Json},
};
use kernel::{InvoiceId, Page, PageRequest, Role};
use web::{ApiPath, ApiQuery, Caller, Problem, StandardErrors};

use super::{InvoiceDetail, InvoiceSummary};
use crate::Billing;

/// The tenant's invoices, newest first. For those who may see billing: admins and owners.
#[utoipa::path(
    tag = "billing",
    params(PageRequest),
    responses((status = OK, body = Page<InvoiceSummary>), StandardErrors),
    security(("bearer" = []))
)]
#[get("/invoices")]
pub(crate) async fn list_invoices(
    caller: Caller,
    page: ApiQuery<PageRequest>,
    billing: Data<Billing>,
) -> Result<Json<Page<InvoiceSummary>>, Problem> {
    caller.require(Role::Admin)?;
    Ok(Json(billing.invoices(&caller, &page).await?))
}

/// An invoice with its lines.
#[utoipa::path(
    tag = "billing",
    params(("id" = InvoiceId, Path)),
    responses((status = OK, body = InvoiceDetail), StandardErrors),
    security(("bearer" = []))
)]
#[get("/invoices/{id}")]
pub(crate) async fn show_invoice(
    caller: Caller,
    id: ApiPath<InvoiceId>,
    billing: Data<Billing>,
) -> Result<Json<InvoiceDetail>, Problem> {
    caller.require(Role::Admin)?;
    billing.invoice(&caller, *id).await?.map(Json).ok_or_else(Problem::not_found)
}

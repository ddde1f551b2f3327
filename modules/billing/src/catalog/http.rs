use actix_web::{HttpResponse, get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use super::Plan;
use crate::Billing;

/// What can be subscribed to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Plans<'a> {
    plans: Vec<&'a Plan>,
}

/// The price list. Open to everybody.
#[utoipa::path(
    tag = "billing",
    responses((status = OK, body = Plans<'_>))
)]
#[get("/plans")]
pub(crate) async fn list_plans(billing: Data<Billing>) -> HttpResponse {
    HttpResponse::Ok().json(Plans { plans: billing.catalog().on_sale().collect() })
}

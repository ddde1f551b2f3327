use actix_web::{HttpRequest, HttpResponse, post, web::Data};
use billing_api::{ProviderWebhooks, WebhookDelivery, WebhookRefusal};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Problem, RawBody, StandardErrors, StatusCode, Visitor};

use crate::Billing;

/// That an event is stored, now or before.
#[derive(Serialize, ToSchema)]
struct Received {
    /// Always true.
    received: bool,
}

/// Takes an event from the payment provider, which proves by its signature who it is.
///
/// An event is stored once, and the answer to a repetition is the same. What it tells is acted upon
/// after the answer. Whatever is not signed as it should be, or not lately, is refused, and nothing
/// of it is kept.
#[utoipa::path(
    tag = "billing",
    request_body(content = Object, content_type = "application/json"),
    responses(
        (status = OK, body = Received),
        (status = BAD_REQUEST, description = "`webhook-not-verified`"),
        StandardErrors,
    )
)]
#[post("")]
pub(crate) async fn take_webhook(
    request: HttpRequest,
    visitor: Visitor,
    RawBody(body): RawBody,
    webhooks: Data<dyn ProviderWebhooks>,
    billing: Data<Billing>,
) -> Result<HttpResponse, Problem> {
    let headers = request.headers().iter();
    let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let event = webhooks.verify(&WebhookDelivery { headers: &headers, body: &body });
    billing.take_in(&visitor, webhooks.provider(), &event.map_err(refused)?).await?;
    Ok(HttpResponse::Ok().json(Received { received: true }))
}

/// The one who sends it learns no more: it may be anybody.
fn refused(refusal: WebhookRefusal) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "webhook-not-verified", "The event is not verified")
        .caused_by(refusal)
}

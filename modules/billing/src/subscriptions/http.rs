use actix_web::{
    HttpRequest, HttpResponse, Responder, get, post,
    web::{Data, Json},
};
use kernel::Role;
use web::{ApiJson, Caller, Problem, Replayed, RequestKey, StandardErrors, StatusCode};

use super::{Answer, Subscribe, SubscribeError, SubscriptionView, order::OrderError};
use crate::Billing;

/// Begins a subscription and charges for its first period. For admins and owners.
///
/// Sent again under its `Idempotency-Key`, the request is answered as it was before, and charged
/// once. After a 503 or no answer at all, send it again under the same key.
#[utoipa::path(
    tag = "billing",
    params(RequestKey),
    request_body = Subscribe,
    responses(
        (status = CREATED, body = SubscriptionView),
        (status = PAYMENT_REQUIRED, description = "`payment-declined`, with a `decline_code`"),
        (status = CONFLICT, description = "`already-subscribed`, or `idempotency-key-in-use`"),
        StandardErrors,
    ),
    security(("bearer" = []))
)]
#[post("/subscriptions")]
pub(crate) async fn subscribe(
    request: HttpRequest,
    caller: Caller,
    key: RequestKey,
    command: ApiJson<Subscribe>,
    billing: Data<Billing>,
) -> Result<HttpResponse, Problem> {
    caller.require(Role::Admin)?;
    match billing.subscribe(&caller, &command, &key).await? {
        Answer::Subscribed(subscription) => Ok(HttpResponse::Created().json(subscription)),
        Answer::Declined(code) => Err(declined(&code)),
        Answer::Replayed { status, body } => Ok(Replayed { status, body }.respond_to(&request)),
    }
}

/// The subscription that is in force. For those who may see billing: admins and owners.
#[utoipa::path(
    tag = "billing",
    responses((status = OK, body = SubscriptionView), StandardErrors),
    security(("bearer" = []))
)]
#[get("/subscription")]
pub(crate) async fn show_subscription(
    caller: Caller,
    billing: Data<Billing>,
) -> Result<Json<SubscriptionView>, Problem> {
    caller.require(Role::Admin)?;
    billing.subscription(&caller).await?.map(Json).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "no-subscription", "There is no subscription in force")
    })
}

/// 402: the provider refused the charge.
pub(super) fn declined(code: &str) -> Problem {
    Problem::new(StatusCode::PAYMENT_REQUIRED, "payment-declined", "The payment was declined")
        .detail("Nothing was charged and nothing was subscribed to.")
        .with("decline_code", code)
}

impl From<SubscribeError> for Problem {
    fn from(error: SubscribeError) -> Self {
        let conflict = || {
            Self::new(StatusCode::CONFLICT, "already-subscribed", "There is a subscription already")
        };
        match error {
            SubscribeError::Order(error) => error.into(),
            SubscribeError::SeatsTaken { used } => {
                Self::invalid_body("#/quantity", format!("{used} seats are taken"))
                    .with("seats_used", used)
            }
            SubscribeError::AlreadySubscribed => conflict(),
            SubscribeError::AlreadyBeginning { retry_after } => {
                conflict().detail("It is being paid for.").retry_after(retry_after)
            }
            SubscribeError::KeyReused => Self::idempotency_key_reused(),
            SubscribeError::InFlight { retry_after } => Self::idempotency_key_in_use(retry_after),
            SubscribeError::ProviderUnreachable(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "payment-provider-unavailable",
                "The payment provider cannot be reached",
            )
            .detail("Nothing was done.")
            .retry_after(PROVIDER_RETRY)
            .caused_by(error),
            SubscribeError::OutcomeUnknown { retry_after, .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "payment-outcome-unknown",
                "The payment provider has not answered",
            )
            .detail("It will be asked again. Send the request again under the same key.")
            .retry_after(retry_after)
            .caused_by(error),
            SubscribeError::Contradicted { .. } => Self::internal(error),
            SubscribeError::Store(error) => error.into(),
        }
    }
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        match &error {
            OrderError::UnknownPrice => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown-price",
                "There is no such price on sale",
            ),
            OrderError::Quantity(limits) => {
                Self::invalid_body("#/quantity", error.to_string()).with("seats", limits)
            }
            OrderError::PaymentMethod => Self::invalid_body("#/payment_method", error.to_string()),
            OrderError::Amount(_) => Self::invalid_body("#/quantity", error.to_string()),
        }
    }
}

/// Within which a provider that restarts is usually back.
const PROVIDER_RETRY: std::time::Duration = std::time::Duration::from_secs(5);

//! The module's routes, and what its refusals become.

use std::sync::Arc;

use actix_web::web::Data;
use billing_api::{BillingError, ProviderWebhooks};
use utoipa_actix_web::{scope, service_config::ServiceConfig};
use web::{Problem, StatusCode};

use crate::{Billing, catalog, entitlements, invoices, subscriptions, usage, webhooks};

pub(crate) fn routes(
    billing: Arc<Billing>,
    webhooks: Option<Arc<dyn ProviderWebhooks>>,
) -> impl Fn(&mut ServiceConfig<'_>) + Send + Sync + Clone + 'static {
    move |config| {
        config.service(
            scope("/v1/billing")
                .app_data(Data::from(Arc::clone(&billing)))
                .service(catalog::http::list_plans)
                .service(subscriptions::http::subscribe)
                .service(subscriptions::http::show_subscription)
                .service(invoices::http::list_invoices)
                .service(invoices::http::show_invoice)
                .service(entitlements::show_entitlements)
                .service(usage::http::report_usage)
                .service(usage::http::list_usage),
        );
        // Who has no provider that tells anything has no such route.
        if let Some(webhooks) = &webhooks {
            config.service(
                scope(format!("/webhooks/{}", webhooks.provider()).as_str())
                    .app_data(Data::from(Arc::clone(&billing)))
                    .app_data(Data::from(Arc::clone(webhooks)))
                    .service(webhooks::http::take_webhook),
            );
        }
    }
}

/// What the contract's refusals become.
pub(crate) fn refused(error: BillingError) -> Problem {
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    match error {
        BillingError::Forbidden => Problem::forbidden(),
        BillingError::NoFreeSeat { limit } => {
            Problem::new(StatusCode::FORBIDDEN, "no-free-seat", "Every seat is taken")
                .with("limit", limit)
        }
        BillingError::UnknownMeter { meter } => {
            Problem::new(unprocessable, "unknown-meter", "There is no such meter")
                .with("meter", meter)
        }
        BillingError::Invalid { detail } => {
            Problem::new(unprocessable, "invalid-body", "The body is not valid").detail(detail)
        }
        BillingError::Call(failure) => failure.into(),
    }
}

//! `POST /v1/auth/register` and `POST /v1/auth/verify-email`.

use actix_web::{HttpResponse, post, web::Data};
use kernel::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{
    ApiJson, Problem, StandardErrors, Visitor,
    limits::{Costly, Limited, Token},
};

use super::Registration;
use crate::service::AuthService;

/// Somebody signs up with their organisation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterCommand {
    /// Where the verification mail goes; compared without regard to case.
    #[schema(format = Email, max_length = 254, example = "ada@example.com")]
    email: String,
    /// 8 to 128 characters of any kind.
    #[schema(min_length = 8, max_length = 128)]
    password: Secret,
    /// How to call them.
    #[schema(min_length = 1, max_length = 100, example = "Ada Lovelace")]
    name: String,
    /// What the organisation is called.
    #[schema(min_length = 1, max_length = 100, example = "Analytical Engines")]
    organization: String,
}

/// The same for every address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegistrationTaken {
    /// A sentence for the person.
    message: &'static str,
}

/// Proves that an address is one's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyEmailCommand {
    /// The `token` of the link in the mail.
    token: Secret,
}

/// Signs up.
///
/// The answer is the same whether or not the address is known. An address that is verified
/// already gets no mail and keeps its account as it is.
#[utoipa::path(
    tag = "auth",
    request_body = RegisterCommand,
    responses((status = ACCEPTED, body = RegistrationTaken), StandardErrors)
)]
#[post("/register")]
pub(crate) async fn register(
    _within: Limited<Costly>,
    visitor: Visitor,
    command: ApiJson<RegisterCommand>,
    auth: Data<AuthService>,
) -> Result<HttpResponse, Problem> {
    let RegisterCommand { email, password, name, organization } = command.into_inner();
    let registration = Registration::parse(&email, &password, &name, &organization)?;
    auth.register(&visitor, registration).await?;
    Ok(HttpResponse::Accepted().json(RegistrationTaken {
        message: "If this address can be registered, a mail with a link is on its way to it.",
    }))
}

/// Verifies an address.
///
/// A token works once and for 24 hours; afterwards the answer is 400 `invalid-token`.
#[utoipa::path(
    tag = "auth",
    request_body = VerifyEmailCommand,
    responses((status = NO_CONTENT, description = "The address is verified"), StandardErrors)
)]
#[post("/verify-email")]
pub(crate) async fn verify_email(
    _within: Limited<Token>,
    _visitor: Visitor,
    command: ApiJson<VerifyEmailCommand>,
    auth: Data<AuthService>,
) -> Result<HttpResponse, Problem> {
    auth.verify_email(&command.into_inner().token).await?;
    Ok(HttpResponse::NoContent().finish())
}

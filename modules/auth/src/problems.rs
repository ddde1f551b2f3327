//! What the refusals of auth are on the public API. A slug, once given out, keeps its meaning.

use std::time::Duration;

use seam::CallFailure;
use web::{Problem, StatusCode};

use crate::{
    input::{FieldError, Invalid},
    invitations::{AcceptError, InviteError, RevokeError, RoleNotGrantable},
    passwords::PasswordError,
    registration::{RegisterError, VerifyError},
    sessions::{LoginError, RefreshError},
};

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let errors: Vec<_> = invalid
            .0
            .iter()
            .map(|FieldError { field, detail }| {
                serde_json::json!({
                    "field": field, "pointer": format!("#/{field}"), "detail": detail,
                })
            })
            .collect();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", "The body is not valid")
            .with("errors", errors)
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Overloaded => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too many ask at once")
                    .retry_after(Duration::from_secs(1))
            }
            error @ (PasswordError::Hashing(_)
            | PasswordError::Panicked(_)
            | PasswordError::Unanswered) => Self::internal(error),
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Password(error) => error.into(),
            RegisterError::Sealing(error) => Self::internal(error),
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::InvalidToken => invalid_token(),
            VerifyError::Store(error) => error.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid-credentials",
                "The address is unknown or the password is wrong",
            ),
            LoginError::EmailNotVerified => Self::new(
                StatusCode::FORBIDDEN,
                "email-not-verified",
                "The address is not verified yet",
            )
            .detail("Follow the link in the mail, or register again to get another one."),
            LoginError::UnknownTenant => {
                Self::new(StatusCode::NOT_FOUND, "unknown-tenant", "You belong to no such tenant")
            }
            LoginError::Password(error) => error.into(),
            LoginError::Token(error) => Self::internal(error),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::InvalidToken => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid-refresh-token",
                "The refresh token is not valid; log in again",
            ),
            RefreshError::Token(error) => Self::internal(error),
            RefreshError::Sealing(error) => Self::internal(error),
            RefreshError::Store(error) => error.into(),
        }
    }
}

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::RoleNotGrantable(RoleNotGrantable) => Self::new(
                StatusCode::FORBIDDEN,
                "role-not-grantable",
                "Nobody gives a role that is above their own",
            ),
            InviteError::KeyReused => Self::idempotency_key_reused(),
            InviteError::InFlight { retry_after } => Self::idempotency_key_in_use(retry_after),
            InviteError::AlreadyMember => already_member(),
            InviteError::AlreadyInvited => Self::new(
                StatusCode::CONFLICT,
                "already-invited",
                "The address has an open invitation",
            )
            .detail("Revoke it to send another one."),
            InviteError::NoFreeSeat { limit } => {
                Self::new(StatusCode::FORBIDDEN, "no-free-seat", "All seats are taken")
                    .detail(format!("The subscription has {limit} seats, and all are taken."))
                    .with("limit", limit)
            }
            // Whatever the reason, the invitation was not made and the request may be repeated.
            InviteError::Billing(CallFailure::DeadlineExceeded { service }) => {
                CallFailure::outcome_unknown(service).into()
            }
            InviteError::Billing(failure) => failure.into(),
            InviteError::SeatRefused(error) => Self::internal(error),
            InviteError::Sealing(error) => Self::internal(error),
            InviteError::Store(error) => error.into(),
        }
    }
}

impl From<RevokeError> for Problem {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::NotFound => Self::not_found(),
            RevokeError::AlreadyAccepted => Self::new(
                StatusCode::CONFLICT,
                "invitation-accepted",
                "The invitation was accepted",
            ),
            RevokeError::Store(error) => error.into(),
        }
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::InvalidToken => invalid_token(),
            AcceptError::Details(invalid) => invalid.into(),
            AcceptError::AlreadyMember => already_member(),
            AcceptError::Password(error) => error.into(),
            AcceptError::Store(error) => error.into(),
        }
    }
}

fn invalid_token() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-token", "The token is not valid")
        .detail("It was never given out, has been used, or has expired.")
}

fn already_member() -> Problem {
    Problem::new(StatusCode::CONFLICT, "already-member", "The address belongs to a member")
}

//! What can go wrong with a call, apart from what the domain refuses.

use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Why a call brought no answer from the domain.
///
/// | failure | was it done? | may it be sent again? |
/// |---|---|---|
/// | `Unavailable` | certainly not | yes, later |
/// | `DeadlineExceeded` | perhaps | yes, by a caller with time left, under the same key |
/// | `OutcomeUnknown` | perhaps | yes, under the same key |
/// | `Incompatible` | perhaps | no: the two sides speak different contracts |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "failure", rename_all = "snake_case")]
pub enum CallFailure {
    /// The connection was refused, the breaker is open, or the callee said that it had not
    /// started. Never a connection that broke after the request was sent.
    #[error("{service} is unavailable; nothing was done")]
    Unavailable {
        /// Who could not be reached.
        service: String,
    },
    /// The caller's time was up.
    #[error("there was no time left for the call to {service}")]
    DeadlineExceeded {
        /// Who was called.
        service: String,
    },
    /// The request was sent, and no answer tells what became of it.
    #[error("whether {service} has done it is unknown")]
    OutcomeUnknown {
        /// Who was called.
        service: String,
    },
    /// The answer, or the error variant in it, is not in this build's contract.
    #[error("{service} speaks another version of the contract: {detail}")]
    Incompatible {
        /// Who was called.
        service: String,
        /// What did not fit.
        detail: String,
    },
}

impl CallFailure {
    /// [`CallFailure::Unavailable`] of `service`.
    pub fn unavailable(service: impl Into<String>) -> Self {
        Self::Unavailable { service: service.into() }
    }

    /// [`CallFailure::DeadlineExceeded`] at `service`.
    pub fn deadline_exceeded(service: impl Into<String>) -> Self {
        Self::DeadlineExceeded { service: service.into() }
    }

    /// [`CallFailure::OutcomeUnknown`] at `service`.
    pub fn outcome_unknown(service: impl Into<String>) -> Self {
        Self::OutcomeUnknown { service: service.into() }
    }

    /// [`CallFailure::Incompatible`] with `service`.
    pub fn incompatible(service: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Incompatible { service: service.into(), detail: detail.to_string() }
    }

    /// Its name, as traces and metrics have it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::DeadlineExceeded { .. } => "deadline_exceeded",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::Incompatible { .. } => "incompatible",
        }
    }

    /// Whether sending the same call again, under the same key, can help.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::OutcomeUnknown { .. })
    }

    /// Whether the callee certainly did nothing.
    #[must_use]
    pub const fn is_certainly_not_done(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// How long a client of the public API is asked to wait before it tries again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { .. }
            | Self::OutcomeUnknown { .. }
            | Self::DeadlineExceeded { .. } => Some(Duration::from_secs(2)),
            Self::Incompatible { .. } => None,
        }
    }

    /// What a caller of `service` is told where the implementation returned this failure: its own
    /// "I have not started" stands, and so does its own "this is not the call that I know under
    /// that key"; the failure of a call that it made to another does not.
    pub(crate) fn seen_through(self, service: &str) -> Self {
        match self {
            Self::Unavailable { service: origin } if origin == service => {
                Self::Unavailable { service: origin }
            }
            Self::Incompatible { service: origin, detail } if origin == service => {
                Self::Incompatible { service: origin, detail }
            }
            Self::DeadlineExceeded { .. } => Self::deadline_exceeded(service),
            _ => Self::outcome_unknown(service),
        }
    }
}

/// An error type of a contract: domain refusals, and one variant `Call(CallFailure)`.
///
/// Derive it; the derive asks for that variant. Refusals cross the wire unchanged, so the type is
/// serde; `Call` does not, so it carries `#[serde(skip)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no error of a contract",
    label = "not a contract's error",
    note = "make it an enum that derives `seam::PortError`, `thiserror::Error`, `Debug`, \
            `serde::Serialize`, `serde::Deserialize` and `utoipa::ToSchema`, with the variant \
            `#[error(transparent)] #[serde(skip)] Call(#[from] CallFailure)`"
)]
pub trait PortError:
    From<CallFailure> + Serialize + DeserializeOwned + std::error::Error + Send + Sync + 'static
{
    /// The failure, where this is not a domain refusal.
    fn call_failure(&self) -> Option<&CallFailure>;
}

//! What can come of a request.

use std::fmt;

use serde::Deserialize;

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub enum StripeError {
    /// No connection came about: nothing was sent.
    #[error("Stripe cannot be reached")]
    Unconnected(#[source] reqwest::Error),
    /// There was no time left to send it.
    #[error("no time was left to ask Stripe")]
    NotSent,
    /// It was sent, and there was no answer in time.
    #[error("Stripe did not answer in time")]
    Late,
    /// It was sent, and the connection broke.
    #[error("the connection to Stripe broke")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer is a success that cannot be read.
    #[error("Stripe's answer cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// The answer is no success.
    #[error("Stripe refused the request")]
    Refused(#[source] Refusal),
    /// What Stripe has is neither done nor over.
    #[error("at Stripe, {object} is {status}")]
    Unfinished {
        /// Its id.
        object: String,
        /// The status that it has.
        status: String,
    },
    /// There is more at Stripe than is looked through.
    #[error("what was asked for is not among the {looked_through} latest at Stripe")]
    TooMany {
        /// How many there were.
        looked_through: usize,
    },
}

/// An answer that is no success. It has all that Stripe said but the message, which may quote what
/// was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// Names the request in Stripe's own log.
    pub request_id: Option<String>,
    /// What was wrong, where the answer was in Stripe's format.
    pub error: ErrorBody,
}

/// What Stripe says of an error (<https://docs.stripe.com/api/errors>).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    /// Such as `card_error`.
    pub r#type: Option<String>,
    /// Such as `card_declined`.
    pub code: Option<String>,
    /// Such as `insufficient_funds`: the bank's reason.
    pub decline_code: Option<String>,
    /// The parameter that it is about.
    pub param: Option<String>,
}

/// The answer to a request that failed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    pub(crate) error: ErrorBody,
}

impl Refusal {
    pub(crate) fn is_about(&self, param: &str) -> bool {
        self.error.param.as_deref() == Some(param)
    }

    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.error.code.as_deref() == Some(code)
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ErrorBody { r#type, code, decline_code, param } = &self.error;
        write!(f, "{}", self.status)?;
        let parts = [
            ("type", r#type),
            ("code", code),
            ("decline code", decline_code),
            ("parameter", param),
            ("request", &self.request_id),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                write!(f, ", {name} {value}")?;
            }
        }
        Ok(())
    }
}

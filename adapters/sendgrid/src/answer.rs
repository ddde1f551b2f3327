//! What SendGrid's answers mean.

use std::{fmt, time::Duration};

use kernel::Timestamp;
use notifications_api::{Accepted, EmailError};
use reqwest::{Response, StatusCode, header::HeaderMap};
use serde::Deserialize;

use crate::pause::Pause;

/// Why a mail was not handed over, as far as it may be logged: what SendGrid says of a mail likes
/// to quote the address, and is left out.
#[derive(Debug, thiserror::Error)]
pub enum SendGridError {
    /// Nothing was sent.
    #[error("SendGrid cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The mail may have been taken.
    #[error("SendGrid gave no answer in time; whether it took the mail is unknown")]
    Late(#[source] reqwest::Error),
    /// The mail may have been taken.
    #[error("the exchange with SendGrid broke off; whether it took the mail is unknown")]
    Broken(#[source] reqwest::Error),
    /// SendGrid did not take the mail, for a reason that is not the mail's own.
    #[error("SendGrid answered {status}{complaints}")]
    Answered {
        /// The status.
        status: u16,
        /// What it complained of.
        complaints: Complaints,
    },
    /// SendGrid takes no more for a while. Nothing was sent.
    #[error("SendGrid takes no more mails for {wait:?}")]
    Limited {
        /// How long that lasts.
        wait: Duration,
    },
    /// The request could not be written down. Nothing was sent.
    #[error("the mail could not be written as JSON")]
    Unwritable(#[source] serde_json::Error),
}

impl SendGridError {
    pub(crate) fn of_exchange(error: reqwest::Error) -> Self {
        match error {
            // A connection that does not come about in time was not used either.
            error if error.is_connect() => Self::Unreachable(error),
            error if error.is_timeout() => Self::Late(error),
            error => Self::Broken(error),
        }
    }
}

impl From<SendGridError> for EmailError {
    fn from(error: SendGridError) -> Self {
        Self::Temporary(Box::new(error))
    }
}

/// An answer, with what matters of it.
pub(crate) struct Answer {
    status: StatusCode,
    reference: Option<String>,
    limit_ends: Option<i64>,
    complaints: Complaints,
}

/// What the port keeps of a provider's name for a mail; SendGrid's own have 22 characters.
const LONGEST_REFERENCE: usize = 200;
/// More than any list of complaints has.
const LONGEST_BODY: usize = 64 * 1024;

impl Answer {
    /// Reads the answer to its end. The status alone says whether the mail was taken, so a body
    /// that breaks off changes nothing.
    pub(crate) async fn read(mut response: Response) -> Self {
        let status = response.status();
        let reference = header(response.headers(), "x-message-id");
        let reference = reference.map(|name| name.chars().take(LONGEST_REFERENCE).collect());
        let limit_ends = header(response.headers(), "x-ratelimit-reset");
        let limit_ends = limit_ends.and_then(|seconds| seconds.parse().ok());
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            if body.len() + chunk.len() > LONGEST_BODY {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        let complaints = serde_json::from_slice(&body).unwrap_or_default();
        Self { status, reference, limit_ends, complaints }
    }

    /// For how long to send nothing, as the answer was got at `now`.
    pub(crate) fn pause(&self, now: Timestamp) -> Option<Duration> {
        if self.status != StatusCode::TOO_MANY_REQUESTS {
            return None;
        }
        let seconds = self.limit_ends?.saturating_sub(now.unix_seconds());
        let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
        Some(Duration::from_secs(seconds).min(Pause::LONGEST))
    }

    pub(crate) fn outcome(self) -> Result<Accepted, EmailError> {
        let Self { status, reference, complaints, .. } = self;
        match status {
            StatusCode::ACCEPTED => Ok(Accepted { reference }),
            StatusCode::PAYLOAD_TOO_LARGE => Err(EmailError::Refused(complaints.told(status))),
            StatusCode::BAD_REQUEST if complaints.are_of_the_mail() => {
                Err(EmailError::Refused(complaints.told(status)))
            }
            _ => Err(SendGridError::Answered { status: status.as_u16(), complaints }.into()),
        }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
}

/// `{"errors": […]}`. Shown without what may quote an address.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Complaints {
    #[serde(default)]
    errors: Vec<Complaint>,
}

#[derive(Clone, Default, Deserialize)]
struct Complaint {
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    message: String,
}

impl Complaints {
    /// Whether each of them is of the one mail: its recipient, subject or bodies. What concerns the
    /// sender or the request as such would meet every mail alike.
    fn are_of_the_mail(&self) -> bool {
        const OF_THE_MAIL: [&str; 3] = ["personalizations", "subject", "content"];
        let of_the_mail = |complaint: &Complaint| {
            let field = complaint.field.as_deref().unwrap_or_default();
            OF_THE_MAIL.contains(&field.split(['.', '[']).next().unwrap_or_default())
        };
        !self.errors.is_empty() && self.errors.iter().all(of_the_mail)
    }

    /// All that was said, for the record of the mail.
    fn told(&self, status: StatusCode) -> String {
        let said = self.errors.iter().map(|Complaint { field, message }| match field {
            Some(field) => format!("{field}: {message}"),
            None => message.clone(),
        });
        let said: Vec<String> = said.collect();
        let said = if said.is_empty() { status.to_string() } else { said.join("; ") };
        said.chars().take(LONGEST_RECORD).collect()
    }
}

/// Characters that are kept of what a provider says.
const LONGEST_RECORD: usize = 1_000;

impl fmt::Display for Complaints {
    /// Begins with a separator, or is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for complaint in self.errors.iter().take(5) {
            write!(f, "; {complaint:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        let quotes_an_address = self.message.contains('@');
        let message = if quotes_an_address { "…" } else { self.message.as_str() };
        write!(f, "{}", message.chars().take(200).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Clock, SystemClock};

    use super::*;

    fn limited(limit_ends: Option<i64>) -> Answer {
        let status = StatusCode::TOO_MANY_REQUESTS;
        Answer { status, reference: None, limit_ends, complaints: Complaints::default() }
    }

    #[test]
    fn a_pause_lasts_until_the_reset_and_no_longer_than_a_minute() {
        let now = SystemClock.now();
        let seconds = |n: i64| limited(Some(now.unix_seconds() + n)).pause(now);
        assert_eq!(seconds(7), Some(Duration::from_secs(7)));
        assert_eq!(seconds(0), None);
        assert_eq!(seconds(-7), None);
        assert_eq!(seconds(3_600), Some(Pause::LONGEST));
        assert_eq!(limited(Some(i64::MIN)).pause(now), None);
        assert_eq!(limited(None).pause(now), None);
    }

    #[test]
    fn what_meets_every_mail_alike_is_not_the_mails_own() {
        let of_the_mail = |json: &str| {
            serde_json::from_str::<Complaints>(json).expect("complaints").are_of_the_mail()
        };
        assert!(of_the_mail(
            r#"{"errors":[{"field":"personalizations.0.to.0.email","message":"x"}]}"#
        ));
        assert!(of_the_mail(r#"{"errors":[{"field":"content.0.value","message":"x"}]}"#));
        assert!(!of_the_mail(r#"{"errors":[{"field":"from.email","message":"x"}]}"#));
        assert!(!of_the_mail(
            r#"{"errors":[{"field":"subject","message":"x"},{"field":"from.email","message":"y"}]}"#
        ));
        assert!(!of_the_mail(r#"{"errors":[{"field":null,"message":"Bad Request"}]}"#));
        assert!(!of_the_mail(r#"{"errors":[{"message":"Invalid JSON"}]}"#));
        assert!(!of_the_mail("{}"));
    }
}

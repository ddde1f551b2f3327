//! The mail port.

use async_trait::async_trait;
use kernel::Secret;

/// Hands mails to a provider or a relay.
///
/// **Retries.** `Ok` means accepted for delivery, not delivered. After
/// [`EmailError::Temporary`] the same mail may be sent again under the same `message_id`; a sender
/// that can, sends a repeated `message_id` only once.
#[async_trait]
pub trait EmailSender: Send + Sync + 'static {
    /// Sends one mail.
    ///
    /// # Errors
    /// See the port's contract on retries.
    async fn send(&self, email: &Email) -> Result<Accepted, EmailError>;
}

/// A mail that was accepted for delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// What the provider calls it, to find it in the provider's own records; `None` where it gives
    /// mails no name. At most 200 characters.
    pub reference: Option<String>,
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// The identity of the mail, the same at every attempt; at most 200 characters.
    pub message_id: String,
    /// Who it is from: one address, with or without a name, such as `Ashlar <no-reply@example.com>`.
    pub from: String,
    /// One address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The body as plain text. Secret, because it may hold a link that signs somebody in.
    pub text: Secret,
    /// The body as HTML.
    pub html: Secret,
}

/// Why a mail was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    /// Not accepted, or not known to be: try again later.
    #[error("the mail could not be handed over")]
    Temporary(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The address or the mail was refused for good.
    #[error("the mail was refused: {0}")]
    Refused(String),
}

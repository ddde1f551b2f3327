//! What a mail says, before it is put into words.

use auth_api::{InvitationCreated, VerificationRequested};
use kernel::{Event, Money, Role, Timestamp};
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

/// Kept with the mail as JSON until it is sent. Holds no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(tag = "template", rename_all = "snake_case")]
pub(crate) enum MailContent {
    /// Asks whether an address is the reader's.
    VerifyEmail { name: String, expires_at: Timestamp },
    /// Invites into a tenant.
    Invitation { tenant_name: String, role: Role, expires_at: Timestamp },
    /// Says that an invoice was paid.
    InvoicePaid { name: String, number: String, total: Money },
    /// Says that a charge was declined.
    PaymentFailed { name: String, amount: Money },
}

/// A link that proves something by a token in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenLink {
    /// The page that the link opens, below the public origin.
    pub path: &'static str,
    /// What the token was sealed for.
    pub purpose: &'static str,
    /// When the link stops working.
    pub expires_at: Timestamp,
}

impl MailContent {
    /// The link of the mail, where it has one.
    pub(crate) fn link(&self) -> Option<TokenLink> {
        match self {
            Self::VerifyEmail { expires_at, .. } => Some(TokenLink {
                path: "/verify-email",
                purpose: VerificationRequested::TYPE,
                expires_at: *expires_at,
            }),
            Self::Invitation { expires_at, .. } => Some(TokenLink {
                path: "/accept-invitation",
                purpose: InvitationCreated::TYPE,
                expires_at: *expires_at,
            }),
            Self::InvoicePaid { .. } | Self::PaymentFailed { .. } => None,
        }
    }
}

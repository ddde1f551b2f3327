//! The contract of the notifications module: the mail port that it asks of the outside world.
//!
//! Nobody calls notifications: it hears of everything by events. It has a port all the same, so
//! that a product can tell its users something of its own.

mod email;
#[cfg(feature = "testing")]
pub mod testing;

use kernel::{CallContext, NotificationId};
use seam::{CallFailure, ModuleDescriptor, PortError, port};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use email::{Accepted, Email, EmailError, EmailSender};

/// The module, as programs and callers know it without linking it.
pub const MODULE: ModuleDescriptor = ModuleDescriptor {
    name: "notifications",
    public_prefixes: &["/v1/notifications"],
    consumes: &[
        "auth.verification_requested",
        "auth.invitation_created",
        "auth.member_joined",
        "billing.invoice_paid",
        "billing.payment_failed",
    ],
};

/// What other modules ask of notifications.
#[port(service = "notifications", version = 1, mock)]
pub trait NotificationsApi {
    /// Puts an entry into the calling tenant's in-app inbox.
    #[call(write)]
    async fn notify(
        &self,
        ctx: &CallContext,
        notice: Notice,
    ) -> Result<NotificationId, NotifyError>;
}

/// Something to tell a tenant's members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    /// What it is about, in dotted lower case, such as `project.archived`; 1 to 100 characters.
    pub kind: String,
    /// One line, 1 to 200 characters.
    pub title: String,
    /// The rest, at most 2,000 characters.
    pub body: String,
}

/// What notifications refuses.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error, PortError,
)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NotifyError {
    /// The caller acts for no tenant, or may not do this.
    #[error("the caller may not do this")]
    Forbidden,
    /// A value is out of its bounds.
    #[error("{detail}")]
    Invalid {
        /// Which, and what its bounds are.
        detail: String,
    },
    /// No answer from the domain.
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

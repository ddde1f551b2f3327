//! What auth publishes.

use auth_api::{InvitationCreated, MemberJoined, VerificationRequested};
use events::{Delivery, Effect, HandlerError};
use kernel::CallContext;
use storage::TenantTx;

use crate::{
    in_app::{self, english},
    mails::{self, MailContent, NewMail},
};

/// Writes down the mails whose recipient the event names.
pub(super) struct Mails;

#[seam::async_trait]
impl Effect<VerificationRequested> for Mails {
    async fn apply(
        &self,
        tx: &TenantTx,
        _ctx: &CallContext,
        event: VerificationRequested,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let mail = NewMail {
            cause: delivery.id,
            recipient: event.email,
            content: MailContent::VerifyEmail { name: event.name, expires_at: event.expires_at },
            sealed_token: Some(event.sealed_token),
        };
        Ok(mails::put(tx, mail).await?)
    }
}

#[seam::async_trait]
impl Effect<InvitationCreated> for Mails {
    async fn apply(
        &self,
        tx: &TenantTx,
        _ctx: &CallContext,
        event: InvitationCreated,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let mail = NewMail {
            cause: delivery.id,
            recipient: event.email,
            content: MailContent::Invitation {
                tenant_name: event.tenant_name,
                role: event.role,
                expires_at: event.expires_at,
            },
            sealed_token: Some(event.sealed_token),
        };
        Ok(mails::put(tx, mail).await?)
    }
}

/// Tells a tenant of its new members.
pub(super) struct Entries;

#[seam::async_trait]
impl Effect<MemberJoined> for Entries {
    async fn apply(
        &self,
        tx: &TenantTx,
        _ctx: &CallContext,
        event: MemberJoined,
        _delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        in_app::put(tx, english::member_joined(&event)).await?;
        Ok(())
    }
}

//! Writing a mail down, and the job that sends it.

use kernel::{Aggregate, Event, EventId};
use sea_orm::ActiveValue::{NotSet, Set};
use serde::{Deserialize, Serialize};
use storage::{StoreError, TenantTx};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    MailContent,
    entity::{ActiveModel, Column, MailState},
};

/// A mail is to be sent now. The module's own: it travels from its outbox to its inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct MailDue {
    /// Which.
    pub mail: Uuid,
}

impl Event for MailDue {
    const TYPE: &'static str = "notifications.mail_due";
    const VERSION: u32 = 1;

    /// Each mail is an aggregate, so that one that cannot be sent holds up no other.
    fn aggregate(&self) -> Aggregate {
        Aggregate::new("mail", self.mail, 1)
    }
}

/// A mail to be written down.
#[derive(Clone, Debug)]
pub(crate) struct NewMail {
    /// The event that asks for it.
    pub cause: EventId,
    pub recipient: String,
    pub content: MailContent,
    pub sealed_token: Option<String>,
}

impl NewMail {
    /// The same for the same event and recipient, so that a mail that is asked for twice is
    /// written down once.
    fn id(&self) -> Uuid {
        Uuid::new_v5(&self.cause.0, self.recipient.as_bytes())
    }
}

/// Writes `mail` down and plans its job, both with the commit of `tx`; nothing where it was
/// written down before.
pub(crate) async fn put(tx: &TenantTx, mail: NewMail) -> Result<(), StoreError> {
    let now = tx.store().clock().now();
    let id = mail.id();
    let row = ActiveModel {
        tenant_id: Set(tx.tenant().into()),
        id: Set(id),
        recipient: Set(mail.recipient),
        content: Set(mail.content),
        sealed_token: Set(mail.sealed_token),
        state: Set(MailState::Queued),
        refusal: NotSet,
        provider_reference: NotSet,
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
        sent_at: NotSet,
    };
    if tx.insert_new(vec![row], &[Column::TenantId, Column::Id]).await? > 0 {
        tx.schedule(now, &format!("mail:{id}"), &MailDue { mail: id }).await?;
    }
    Ok(())
}

//! The table of mails.

use sea_orm::entity::prelude::*;

use super::MailContent;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mails")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Derived from the event and the recipient; as text it is the mail's `message_id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub recipient: String,
    pub content: MailContent,
    /// Null where the mail has no link, and once the mail is sent or refused.
    #[sea_orm(column_type = "Text", nullable)]
    pub sealed_token: Option<String>,
    pub state: MailState,
    /// Why, where the state is `refused`.
    #[sea_orm(column_type = "Text", nullable)]
    pub refusal: Option<String>,
    /// What the provider calls it, where the state is `sent` and the provider gives mails a name.
    #[sea_orm(column_type = "Text", nullable)]
    pub provider_reference: Option<String>,
    pub created_at: TimeDateTimeWithTimeZone,
    pub updated_at: TimeDateTimeWithTimeZone,
    pub sent_at: Option<TimeDateTimeWithTimeZone>,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub(crate) enum MailState {
    /// To be sent.
    #[sea_orm(string_value = "queued")]
    Queued,
    /// Accepted for delivery.
    #[sea_orm(string_value = "sent")]
    Sent,
    /// Not sent, and never will be.
    #[sea_orm(string_value = "refused")]
    Refused,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

storage::tenant_entity!(Entity, Column::TenantId);

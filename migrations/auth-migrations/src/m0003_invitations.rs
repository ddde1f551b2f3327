//! Invitations.

use sea_orm_migration::{
    prelude::*,
    schema::{integer, string_len, string_len_null, timestamp_with_time_zone, uuid, uuid_null},
};

use storage::access::{self, System};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "auth_0003_invitations"
    }
}

#[derive(DeriveIden)]
enum Invitations {
    Table,
    TenantId,
    Id,
    Email,
    OpenEmail,
    Role,
    Status,
    TokenHash,
    InvitedBy,
    AcceptedBy,
    Attempts,
    ExpiresAt,
    CreatedAt,
    UpdatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(invitations()).await?;
        manager
            .create_index(
                Index::create()
                    .name("invitations_open_email_key")
                    .table(Invitations::Table)
                    .col(Invitations::TenantId)
                    .col(Invitations::OpenEmail)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("invitations_token_hash_key")
                    .table(Invitations::Table)
                    .col(Invitations::TokenHash)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("invitations_newest_first")
                    .table(Invitations::Table)
                    .col(Invitations::TenantId)
                    .col((Invitations::CreatedAt, IndexOrder::Desc))
                    .col((Invitations::Id, IndexOrder::Desc))
                    .to_owned(),
            )
            .await?;
        // It is accepted by somebody who is no member yet.
        access::tenant_table(manager, "invitations", System::Writes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Invitations::Table).to_owned()).await
    }
}

/// `open_email` repeats the address while the invitation is open and is null afterwards: nulls
/// are distinct in a unique index of either engine, so an address has one open invitation.
fn invitations() -> TableCreateStatement {
    Table::create()
        .table(Invitations::Table)
        .col(uuid(Invitations::TenantId))
        .col(uuid(Invitations::Id))
        .col(string_len(Invitations::Email, 254))
        .col(string_len_null(Invitations::OpenEmail, 254))
        .col(string_len(Invitations::Role, 20))
        .col(string_len(Invitations::Status, 20))
        .col(string_len_null(Invitations::TokenHash, 64))
        .col(uuid(Invitations::InvitedBy))
        .col(uuid_null(Invitations::AcceptedBy))
        .col(integer(Invitations::Attempts))
        .col(timestamp_with_time_zone(Invitations::ExpiresAt))
        .col(timestamp_with_time_zone(Invitations::CreatedAt))
        .col(timestamp_with_time_zone(Invitations::UpdatedAt))
        .primary_key(Index::create().col(Invitations::TenantId).col(Invitations::Id))
        .to_owned()
}

//! Sessions, their refresh tokens, and who tried to log in.

use sea_orm_migration::{
    prelude::*,
    schema::{
        string_len, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid,
        uuid_null,
    },
};

use storage::access::{self, System};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "auth_0002_sessions"
    }
}

#[derive(DeriveIden)]
enum Sessions {
    Table,
    TenantId,
    Id,
    UserId,
    ExpiresAt,
    RevokedAt,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum RefreshTokens {
    Table,
    TenantId,
    TokenHash,
    SessionId,
    ExpiresAt,
    RotatedAt,
    SealedSuccessor,
    CreatedAt,
}

#[derive(DeriveIden)]
enum SignIns {
    Table,
    Id,
    UserId,
    TenantId,
    Outcome,
    CreatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(sessions()).await?;
        manager
            .create_index(
                Index::create()
                    .name("sessions_by_expiry")
                    .table(Sessions::Table)
                    .col(Sessions::ExpiresAt)
                    .to_owned(),
            )
            .await?;
        manager.create_table(refresh_tokens()).await?;
        manager
            .create_index(
                Index::create()
                    .name("refresh_tokens_token_hash_key")
                    .table(RefreshTokens::Table)
                    .col(RefreshTokens::TokenHash)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("refresh_tokens_by_expiry")
                    .table(RefreshTokens::Table)
                    .col(RefreshTokens::ExpiresAt)
                    .to_owned(),
            )
            .await?;
        manager.create_table(sign_ins()).await?;
        manager
            .create_index(
                Index::create()
                    .name("sign_ins_by_time")
                    .table(SignIns::Table)
                    .col(SignIns::CreatedAt)
                    .to_owned(),
            )
            .await?;
        // A login and a refresh token name no tenant: it follows from what is found.
        access::tenant_table(manager, "sessions", System::Writes).await?;
        access::tenant_table(manager, "refresh_tokens", System::Writes).await?;
        access::global_table(manager, "sign_ins").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(SignIns::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(RefreshTokens::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Sessions::Table).to_owned()).await
    }
}

fn sessions() -> TableCreateStatement {
    Table::create()
        .table(Sessions::Table)
        .col(uuid(Sessions::TenantId))
        .col(uuid(Sessions::Id))
        .col(uuid(Sessions::UserId))
        .col(timestamp_with_time_zone(Sessions::ExpiresAt))
        .col(timestamp_with_time_zone_null(Sessions::RevokedAt))
        .col(timestamp_with_time_zone(Sessions::CreatedAt))
        .col(timestamp_with_time_zone(Sessions::UpdatedAt))
        .primary_key(Index::create().col(Sessions::TenantId).col(Sessions::Id))
        .to_owned()
}

fn refresh_tokens() -> TableCreateStatement {
    Table::create()
        .table(RefreshTokens::Table)
        .col(uuid(RefreshTokens::TenantId))
        .col(string_len(RefreshTokens::TokenHash, 64))
        .col(uuid(RefreshTokens::SessionId))
        .col(timestamp_with_time_zone(RefreshTokens::ExpiresAt))
        .col(timestamp_with_time_zone_null(RefreshTokens::RotatedAt))
        .col(text_null(RefreshTokens::SealedSuccessor))
        .col(timestamp_with_time_zone(RefreshTokens::CreatedAt))
        .primary_key(Index::create().col(RefreshTokens::TenantId).col(RefreshTokens::TokenHash))
        .foreign_key(
            ForeignKey::create()
                .name("refresh_tokens_session_fkey")
                .from(RefreshTokens::Table, (RefreshTokens::TenantId, RefreshTokens::SessionId))
                .to(Sessions::Table, (Sessions::TenantId, Sessions::Id))
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

/// Global: an attempt at an unknown address has neither user nor tenant, and is written all the
/// same, so that both cost the same.
fn sign_ins() -> TableCreateStatement {
    Table::create()
        .table(SignIns::Table)
        .col(uuid(SignIns::Id).primary_key())
        .col(uuid_null(SignIns::UserId))
        .col(uuid_null(SignIns::TenantId))
        .col(string_len(SignIns::Outcome, 30))
        .col(timestamp_with_time_zone(SignIns::CreatedAt))
        .to_owned()
}

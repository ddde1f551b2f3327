//! People, the tenants they belong to, the proofs of their addresses, and what was done.

use sea_orm_migration::{
    prelude::*,
    schema::{
        string_len, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

use storage::access::{self, System};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "auth_0001_people_and_tenants"
    }
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
    Email,
    Name,
    PasswordHash,
    EmailVerifiedAt,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Tenants {
    Table,
    Id,
    Name,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Memberships {
    Table,
    TenantId,
    UserId,
    Role,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum VerificationTokens {
    Table,
    TokenHash,
    UserId,
    TenantId,
    Name,
    Organization,
    PasswordHash,
    ExpiresAt,
    CreatedAt,
}

#[derive(DeriveIden)]
enum AuditLog {
    Table,
    TenantId,
    Id,
    Actor,
    Action,
    Subject,
    CreatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(users()).await?;
        manager
            .create_index(
                Index::create()
                    .name("users_email_key")
                    .table(Users::Table)
                    .col(Users::Email)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager.create_table(tenants()).await?;
        manager.create_table(memberships()).await?;
        manager
            .create_index(
                Index::create()
                    .name("memberships_of_a_user")
                    .table(Memberships::Table)
                    .col(Memberships::UserId)
                    .col(Memberships::CreatedAt)
                    .to_owned(),
            )
            .await?;
        manager.create_table(verification_tokens()).await?;
        manager
            .create_index(
                Index::create()
                    .name("verification_tokens_of_a_user")
                    .table(VerificationTokens::Table)
                    .col(VerificationTokens::UserId)
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("verification_tokens_by_expiry")
                    .table(VerificationTokens::Table)
                    .col(VerificationTokens::ExpiresAt)
                    .to_owned(),
            )
            .await?;
        manager.create_table(audit_log()).await?;
        // Whoever registers or accepts an invitation belongs to no tenant yet.
        access::global_table(manager, "users").await?;
        access::rows_of(manager, "tenants", "id", System::Writes).await?;
        access::tenant_table(manager, "memberships", System::Writes).await?;
        access::global_table(manager, "verification_tokens").await?;
        access::tenant_table(manager, "audit_log", System::Writes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(AuditLog::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(VerificationTokens::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Memberships::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Tenants::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Users::Table).to_owned()).await
    }
}

fn users() -> TableCreateStatement {
    Table::create()
        .table(Users::Table)
        .col(uuid(Users::Id).primary_key())
        .col(string_len(Users::Email, 254))
        .col(string_len(Users::Name, 100))
        .col(string_len(Users::PasswordHash, 255))
        .col(timestamp_with_time_zone_null(Users::EmailVerifiedAt))
        .col(timestamp_with_time_zone(Users::CreatedAt))
        .col(timestamp_with_time_zone(Users::UpdatedAt))
        .to_owned()
}

fn tenants() -> TableCreateStatement {
    Table::create()
        .table(Tenants::Table)
        .col(uuid(Tenants::Id).primary_key())
        .col(string_len(Tenants::Name, 100))
        .col(timestamp_with_time_zone(Tenants::CreatedAt))
        .col(timestamp_with_time_zone(Tenants::UpdatedAt))
        .to_owned()
}

fn memberships() -> TableCreateStatement {
    Table::create()
        .table(Memberships::Table)
        .col(uuid(Memberships::TenantId))
        .col(uuid(Memberships::UserId))
        .col(string_len(Memberships::Role, 20))
        .col(timestamp_with_time_zone(Memberships::CreatedAt))
        .col(timestamp_with_time_zone(Memberships::UpdatedAt))
        .primary_key(Index::create().col(Memberships::TenantId).col(Memberships::UserId))
        .to_owned()
}

/// Global, since a link is followed by somebody who has not logged in. What was entered with the
/// registration stays with its token: only the registration whose link is followed takes effect.
fn verification_tokens() -> TableCreateStatement {
    Table::create()
        .table(VerificationTokens::Table)
        .col(string_len(VerificationTokens::TokenHash, 64).primary_key())
        .col(uuid(VerificationTokens::UserId))
        .col(uuid(VerificationTokens::TenantId))
        .col(string_len(VerificationTokens::Name, 100))
        .col(string_len(VerificationTokens::Organization, 100))
        .col(string_len(VerificationTokens::PasswordHash, 255))
        .col(timestamp_with_time_zone(VerificationTokens::ExpiresAt))
        .col(timestamp_with_time_zone(VerificationTokens::CreatedAt))
        .to_owned()
}

fn audit_log() -> TableCreateStatement {
    Table::create()
        .table(AuditLog::Table)
        .col(uuid(AuditLog::TenantId))
        .col(uuid(AuditLog::Id))
        .col(uuid_null(AuditLog::Actor))
        .col(string_len(AuditLog::Action, 50))
        .col(uuid_null(AuditLog::Subject))
        .col(timestamp_with_time_zone(AuditLog::CreatedAt))
        .primary_key(Index::create().col(AuditLog::TenantId).col(AuditLog::Id))
        .to_owned()
}

//! What is known of tenants at payment providers, and what providers have told.

use sea_orm_migration::{
    prelude::*,
    schema::{
        string_len, string_len_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid,
        uuid_null,
    },
};
use storage::access::{self, System};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "billing_0004_payments"
    }
}

#[derive(DeriveIden)]
enum PaymentCustomers {
    Table,
    TenantId,
    Provider,
    Reference,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Charges {
    Table,
    Customer,
}

#[derive(DeriveIden)]
enum WebhookEvents {
    Table,
    Provider,
    EventId,
    Kind,
    State,
    TenantId,
    ChargeId,
    OccurredAt,
    ReceivedAt,
    ProcessedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(payment_customers()).await?;
        // Missing in charges of a build that knew no customers.
        manager
            .alter_table(
                Table::alter()
                    .table(Charges::Table)
                    .add_column(string_len_null(Charges::Customer, 255))
                    .to_owned(),
            )
            .await?;
        manager.create_table(webhook_events()).await?;
        manager
            .create_index(
                Index::create()
                    .name("webhook_events_by_receipt")
                    .table(WebhookEvents::Table)
                    .col(WebhookEvents::ReceivedAt)
                    .to_owned(),
            )
            .await?;
        access::tenant_table(manager, "payment_customers", System::None).await?;
        // Whose an event is, is known only once it is read, and of some never.
        access::global_table(manager, "webhook_events").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(WebhookEvents::Table).to_owned()).await?;
        manager
            .alter_table(
                Table::alter().table(Charges::Table).drop_column(Charges::Customer).to_owned(),
            )
            .await?;
        manager.drop_table(Table::drop().table(PaymentCustomers::Table).to_owned()).await
    }
}

fn payment_customers() -> TableCreateStatement {
    Table::create()
        .table(PaymentCustomers::Table)
        .col(uuid(PaymentCustomers::TenantId))
        .col(string_len(PaymentCustomers::Provider, 32))
        .col(string_len(PaymentCustomers::Reference, 255))
        .col(timestamp_with_time_zone(PaymentCustomers::CreatedAt))
        .primary_key(
            Index::create().col(PaymentCustomers::TenantId).col(PaymentCustomers::Provider),
        )
        .to_owned()
}

fn webhook_events() -> TableCreateStatement {
    Table::create()
        .table(WebhookEvents::Table)
        .col(string_len(WebhookEvents::Provider, 32))
        .col(string_len(WebhookEvents::EventId, 255))
        .col(string_len(WebhookEvents::Kind, 255))
        .col(string_len(WebhookEvents::State, 20))
        .col(uuid_null(WebhookEvents::TenantId))
        .col(uuid_null(WebhookEvents::ChargeId))
        .col(timestamp_with_time_zone(WebhookEvents::OccurredAt))
        .col(timestamp_with_time_zone(WebhookEvents::ReceivedAt))
        .col(timestamp_with_time_zone_null(WebhookEvents::ProcessedAt))
        .primary_key(Index::create().col(WebhookEvents::Provider).col(WebhookEvents::EventId))
        .to_owned()
}

//! Subscriptions, what they are invoiced, and the charges that pay for it.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, integer, string_len, string_len_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
};
use storage::access::{self, System};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "billing_0002_subscriptions_and_invoices"
    }
}

#[derive(DeriveIden)]
enum Subscriptions {
    Table,
    TenantId,
    Id,
    Status,
    PlanId,
    PriceId,
    Currency,
    UnitAmount,
    BillingInterval,
    Quantity,
    CurrentPeriodStart,
    CurrentPeriodEnd,
    Version,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Invoices {
    Table,
    TenantId,
    Id,
    SubscriptionId,
    Number,
    Status,
    Currency,
    Total,
    PeriodStart,
    PeriodEnd,
    PaidAt,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum InvoiceLines {
    Table,
    TenantId,
    InvoiceId,
    Position,
    Description,
    PriceId,
    Quantity,
    UnitAmount,
    Amount,
}

#[derive(DeriveIden)]
enum Charges {
    Table,
    TenantId,
    Id,
    SubscriptionId,
    InvoiceId,
    State,
    Currency,
    Amount,
    Description,
    PaymentMethod,
    RequestKey,
    Reference,
    DeclineCode,
    CreatedAt,
    UpdatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(subscriptions()).await?;
        // A tenant has at most one subscription that is in force or being paid for.
        manager
            .create_index(
                Index::create()
                    .name("subscriptions_one_live")
                    .table(Subscriptions::Table)
                    .col(Subscriptions::TenantId)
                    .and_where(Expr::col(Subscriptions::Status).is_in(["pending", "active"]))
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager.create_table(invoices()).await?;
        manager
            .create_index(
                Index::create()
                    .name("invoices_newest_first")
                    .table(Invoices::Table)
                    .col(Invoices::TenantId)
                    .col((Invoices::CreatedAt, IndexOrder::Desc))
                    .col((Invoices::Id, IndexOrder::Desc))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("invoices_number")
                    .table(Invoices::Table)
                    .col(Invoices::TenantId)
                    .col(Invoices::Number)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager.create_table(invoice_lines()).await?;
        manager.create_table(charges()).await?;
        manager
            .create_index(
                Index::create()
                    .name("charges_by_request")
                    .table(Charges::Table)
                    .col(Charges::TenantId)
                    .col(Charges::RequestKey)
                    .to_owned(),
            )
            .await?;
        access::tenant_table(manager, "subscriptions", System::None).await?;
        access::tenant_table(manager, "invoices", System::None).await?;
        access::tenant_table(manager, "invoice_lines", System::None).await?;
        access::tenant_table(manager, "charges", System::None).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Charges::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(InvoiceLines::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Invoices::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Subscriptions::Table).to_owned()).await
    }
}

fn subscriptions() -> TableCreateStatement {
    Table::create()
        .table(Subscriptions::Table)
        .col(uuid(Subscriptions::TenantId))
        .col(uuid(Subscriptions::Id))
        .col(string_len(Subscriptions::Status, 20))
        .col(string_len(Subscriptions::PlanId, 64))
        .col(string_len(Subscriptions::PriceId, 64))
        .col(string_len(Subscriptions::Currency, 3))
        .col(big_integer(Subscriptions::UnitAmount))
        .col(string_len(Subscriptions::BillingInterval, 10))
        .col(big_integer(Subscriptions::Quantity))
        .col(timestamp_with_time_zone_null(Subscriptions::CurrentPeriodStart))
        .col(timestamp_with_time_zone_null(Subscriptions::CurrentPeriodEnd))
        .col(big_integer(Subscriptions::Version))
        .col(timestamp_with_time_zone(Subscriptions::CreatedAt))
        .col(timestamp_with_time_zone(Subscriptions::UpdatedAt))
        .primary_key(Index::create().col(Subscriptions::TenantId).col(Subscriptions::Id))
        .to_owned()
}

fn invoices() -> TableCreateStatement {
    Table::create()
        .table(Invoices::Table)
        .col(uuid(Invoices::TenantId))
        .col(uuid(Invoices::Id))
        .col(uuid(Invoices::SubscriptionId))
        .col(string_len_null(Invoices::Number, 40))
        .col(string_len(Invoices::Status, 20))
        .col(string_len(Invoices::Currency, 3))
        .col(big_integer(Invoices::Total))
        .col(timestamp_with_time_zone(Invoices::PeriodStart))
        .col(timestamp_with_time_zone(Invoices::PeriodEnd))
        .col(timestamp_with_time_zone_null(Invoices::PaidAt))
        .col(timestamp_with_time_zone(Invoices::CreatedAt))
        .col(timestamp_with_time_zone(Invoices::UpdatedAt))
        .primary_key(Index::create().col(Invoices::TenantId).col(Invoices::Id))
        .foreign_key(
            ForeignKey::create()
                .name("invoices_of_a_subscription")
                .from(Invoices::Table, (Invoices::TenantId, Invoices::SubscriptionId))
                .to(Subscriptions::Table, (Subscriptions::TenantId, Subscriptions::Id)),
        )
        .to_owned()
}

fn invoice_lines() -> TableCreateStatement {
    Table::create()
        .table(InvoiceLines::Table)
        .col(uuid(InvoiceLines::TenantId))
        .col(uuid(InvoiceLines::InvoiceId))
        .col(integer(InvoiceLines::Position))
        .col(string_len(InvoiceLines::Description, 200))
        .col(string_len(InvoiceLines::PriceId, 64))
        .col(big_integer(InvoiceLines::Quantity))
        .col(big_integer(InvoiceLines::UnitAmount))
        .col(big_integer(InvoiceLines::Amount))
        .primary_key(
            Index::create()
                .col(InvoiceLines::TenantId)
                .col(InvoiceLines::InvoiceId)
                .col(InvoiceLines::Position),
        )
        .foreign_key(
            ForeignKey::create()
                .name("invoice_lines_of_an_invoice")
                .from(InvoiceLines::Table, (InvoiceLines::TenantId, InvoiceLines::InvoiceId))
                .to(Invoices::Table, (Invoices::TenantId, Invoices::Id)),
        )
        .to_owned()
}

fn charges() -> TableCreateStatement {
    Table::create()
        .table(Charges::Table)
        .col(uuid(Charges::TenantId))
        .col(uuid(Charges::Id))
        .col(uuid(Charges::SubscriptionId))
        .col(uuid(Charges::InvoiceId))
        .col(string_len(Charges::State, 20))
        .col(string_len(Charges::Currency, 3))
        .col(big_integer(Charges::Amount))
        .col(string_len(Charges::Description, 200))
        .col(string_len_null(Charges::PaymentMethod, 255))
        .col(string_len(Charges::RequestKey, 255))
        .col(string_len_null(Charges::Reference, 255))
        .col(string_len_null(Charges::DeclineCode, 40))
        .col(timestamp_with_time_zone(Charges::CreatedAt))
        .col(timestamp_with_time_zone(Charges::UpdatedAt))
        .primary_key(Index::create().col(Charges::TenantId).col(Charges::Id))
        .foreign_key(
            ForeignKey::create()
                .name("charges_for_an_invoice")
                .from(Charges::Table, (Charges::TenantId, Charges::InvoiceId))
                .to(Invoices::Table, (Invoices::TenantId, Invoices::Id)),
        )
        .to_owned()
}

//! One account for each tenant: what concurrent work of a tenant waits for, and where its
//! invoices are numbered.
//!
//! # The order of locks
//!
//! Every transaction that changes what is counted, numbered or charged comes to [`lock`] before it
//! touches another row of the tenant, and keeps the account until it ends. So transactions of one
//! tenant take turns, those of different tenants never meet, and behind the account the order of
//! the other rows (idempotency key, charge, subscription, invoice, seats, totals, what is
//! scheduled) does not matter. Two kinds of rows come *before* the account, and nobody who holds
//! an account ever waits for one: the record of a call (`Store::once`), and the inbox row of an
//! event whose effect this is.

use kernel::TenantId;
use sea_orm::{ActiveValue::Set, entity::prelude::*};
use storage::{StoreError, TenantTx};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// How many invoices were issued.
    pub last_invoice: i64,
    pub created_at: TimeDateTimeWithTimeZone,
    pub updated_at: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

storage::tenant_entity!(Entity, Column::TenantId);

/// Makes concurrent work of one tenant take turns from here to the end of `tx`. What counts before
/// it writes (seats, invoice numbers, usage) comes here first, and before it locks anything else.
pub(crate) async fn lock(tx: &TenantTx) -> Result<Model, StoreError> {
    if let Some(account) = tx.find::<Entity>().lock().one().await? {
        return Ok(account);
    }
    // The tenant's first work. Of several at once one inserts, and the others wait for it here.
    let now = tx.store().clock().now();
    let fresh = ActiveModel {
        tenant_id: Set(tx.tenant().0),
        last_invoice: Set(0),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
    };
    tx.insert_new(vec![fresh], &[Column::TenantId]).await?;
    let module = tx.store().module();
    let found = tx.find::<Entity>().lock().one().await?;
    found.ok_or(StoreError::NotFound { module, table: "accounts" })
}

/// The tenant's next invoice number. Gapless, because it is taken in the transaction that issues
/// the invoice.
pub(crate) async fn next_invoice_number(tx: &TenantTx) -> Result<String, StoreError> {
    let account = lock(tx).await?;
    let last_invoice = account.last_invoice + 1;
    tx.update(ActiveModel {
        tenant_id: Set(account.tenant_id),
        last_invoice: Set(last_invoice),
        updated_at: Set(tx.store().clock().now().into()),
        ..Default::default()
    })
    .await?;
    Ok(invoice_number(tx.tenant(), last_invoice))
}

/// Such as `INV-4F1D2C3B5A60-00001`. The middle is the random end of the tenant's id (RFC 9562
/// §5.7), so that numbers of different tenants differ too.
fn invoice_number(tenant: TenantId, count: i64) -> String {
    let tail = tenant.0.as_u128() & 0xFFFF_FFFF_FFFF;
    format!("INV-{tail:012X}-{count:05}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_tenant_ascend_and_differ_from_those_of_another() {
        let ada = TenantId(Uuid::from_u128(0x0190_0000_0000_7000_8000_4F1D_2C3B_5A60));
        assert_eq!(invoice_number(ada, 1), "INV-4F1D2C3B5A60-00001");
        assert_eq!(invoice_number(ada, 123_456), "INV-4F1D2C3B5A60-123456");
        assert_ne!(invoice_number(TenantId(Uuid::from_u128(7)), 1), invoice_number(ada, 1));
    }
}

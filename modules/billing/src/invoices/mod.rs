//! Invoices: what a tenant was asked to pay, and has paid.

pub(crate) mod http;
pub(crate) mod invoice;
pub(crate) mod line;
mod view;

use kernel::{CallContext, InvoiceId, Page, PageRequest};
use sea_orm::{ColumnTrait, Condition};
use storage::StoreError;

use crate::Billing;

pub(crate) use view::{InvoiceDetail, InvoiceLine, InvoiceSummary};

impl Billing {
    /// A page of the tenant's issued invoices, newest first.
    pub(crate) async fn invoices(
        &self,
        ctx: &CallContext,
        request: &PageRequest,
    ) -> Result<Page<InvoiceSummary>, StoreError> {
        let invoices = self.store.read(ctx)?.find::<invoice::Entity>().filter(issued());
        let page = invoices.page(request, invoice::Column::CreatedAt, invoice::Column::Id).await?;
        Ok(page.map(|row| InvoiceSummary::from(&row)))
    }

    /// An issued invoice with its lines; `None` where the tenant has none of that id.
    pub(crate) async fn invoice(
        &self,
        ctx: &CallContext,
        id: InvoiceId,
    ) -> Result<Option<InvoiceDetail>, StoreError> {
        let reader = self.store.read(ctx)?;
        let invoices = reader.find::<invoice::Entity>().filter(issued());
        let Some(invoice) = invoices.filter(invoice::Column::Id.eq(id.0)).one().await? else {
            return Ok(None);
        };
        let lines = reader
            .find::<line::Entity>()
            .filter(line::Column::InvoiceId.eq(id.0))
            .order_by_asc(line::Column::Position)
            .all()
            .await?;
        let invoice_lines = lines.iter().map(|line| InvoiceLine::new(line, &invoice)).collect();
        Ok(Some(InvoiceDetail { invoice: InvoiceSummary::from(&invoice), lines: invoice_lines }))
    }
}

/// Drafts, and drafts that came to nothing, are ours alone.
fn issued() -> Condition {
    Condition::all().add(invoice::Column::Number.is_not_null())
}

//! Invoices: what a tenant was asked to pay, and has paid.

pub(crate) mod http;
pub(crate) mod invoice;
pub(crate) mod line;
mod view;

use kernel::{CallContext, Cursor, InvoiceId, Page, PageRequest, Timestamp};
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
        let mut invoices = self.store.read(ctx)?.find::<invoice::Entity>().filter(issued());
        if let Some(cursor) = request.cursor {
            invoices = invoices.filter(older_than(cursor));
        }
        let rows = invoices
            .order_by_desc(invoice::Column::CreatedAt)
            .order_by_desc(invoice::Column::Id)
            .limit(u64::from(request.size()) + 1)
            .all()
            .await?;
        let position = |row: &invoice::Model| (Timestamp::new(row.created_at), row.id);
        Ok(Page::from_rows(rows, request, position).map(|row| InvoiceSummary::from(&row)))
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

fn older_than(Cursor { at, id }: Cursor) -> Condition {
    let at = at.to_offset_date_time();
    let same_time = invoice::Column::CreatedAt.eq(at);
    Condition::any()
        .add(invoice::Column::CreatedAt.lt(at))
        .add(Condition::all().add(same_time).add(invoice::Column::Id.lt(id)))
}

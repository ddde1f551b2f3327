//! Invoices as clients see them.

use kernel::{InvoiceId, Money, SubscriptionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{invoice, line};
use crate::subscriptions::InvoiceStatus;

/// An invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct InvoiceSummary {
    /// The invoice.
    pub id: InvoiceId,
    /// The number printed on it.
    #[schema(example = "INV-4F1D2C3B5A60-00001")]
    pub number: String,
    /// Where it is in its life.
    pub status: InvoiceStatus,
    /// What it is for.
    pub subscription_id: SubscriptionId,
    /// What was to be paid.
    pub total: Money,
    /// The start of what it is for.
    pub period_start: Timestamp,
    /// The end of what it is for, exclusive.
    pub period_end: Timestamp,
    /// When it was drawn up.
    pub created_at: Timestamp,
    /// When it was paid in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
}

/// An invoice with its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct InvoiceDetail {
    /// The invoice.
    #[serde(flatten)]
    pub invoice: InvoiceSummary,
    /// What it is made up of.
    pub lines: Vec<InvoiceLine>,
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct InvoiceLine {
    /// What people read.
    pub description: String,
    /// The price it was charged at.
    pub price_id: String,
    /// How many.
    pub quantity: i64,
    /// What one costs.
    pub unit_price: Money,
    /// What all of them cost.
    pub amount: Money,
}

impl From<&invoice::Model> for InvoiceSummary {
    fn from(invoice: &invoice::Model) -> Self {
        Self {
            id: InvoiceId(invoice.id),
            number: invoice.number.clone().unwrap_or_default(),
            status: invoice.status,
            subscription_id: SubscriptionId(invoice.subscription_id),
            total: invoice.currency.money(invoice.total),
            period_start: invoice.period_start.into(),
            period_end: invoice.period_end.into(),
            created_at: invoice.created_at.into(),
            paid_at: invoice.paid_at.map(Timestamp::from),
        }
    }
}

impl InvoiceLine {
    pub(crate) fn new(line: &line::Model, invoice: &invoice::Model) -> Self {
        Self {
            description: line.description.clone(),
            price_id: line.price_id.clone(),
            quantity: line.quantity,
            unit_price: invoice.currency.money(line.unit_amount),
            amount: invoice.currency.money(line.amount),
        }
    }
}

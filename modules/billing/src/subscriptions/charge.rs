//! The table of charges: what the payment provider was, or is to be, asked for.

use std::time::Duration;

use billing_api::{ChargeRequest, Customer};
use kernel::{CallKey, Secret, TenantId, Timestamp};
use sea_orm::entity::prelude::*;

use super::ChargeState;
use crate::currency::CurrencyCode;

/// A charge. It holds all that is needed to ask for it again.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "charges")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub subscription_id: Uuid,
    pub invoice_id: Uuid,
    pub state: ChargeState,
    pub currency: CurrencyCode,
    /// Minor units.
    pub amount: i64,
    pub description: String,
    /// The provider's name of the payment method, with which nobody but the provider's customer
    /// (us) can do anything. Erased once the charge is settled.
    pub payment_method: Option<String>,
    /// Who pays, as the provider knows them. Missing until the provider is asked for the first time
    /// by a tenant that is new to it, and in charges of a build that knew no customers.
    pub customer: Option<String>,
    /// The `Idempotency-Key` of the request that it answers.
    pub request_key: String,
    /// The provider's id of it, once it is paid.
    pub reference: Option<String>,
    pub decline_code: Option<String>,
    pub created_at: TimeDateTimeWithTimeZone,
    pub updated_at: TimeDateTimeWithTimeZone,
}

/// What the keys of charges begin with.
const KEYS: &str = "billing/charge/";

/// The charge that is asked for under `key`, where it is one of ours.
pub(crate) fn id_of(key: &CallKey) -> Option<Uuid> {
    key.as_str().strip_prefix(KEYS)?.parse().ok()
}

impl Model {
    /// The request, the same at every time of asking but for `allowed`.
    pub(crate) fn request(&self, customer: Customer, allowed: Duration) -> ChargeRequest {
        ChargeRequest {
            key: CallKey::new(format!("{KEYS}{}", self.id)),
            tenant: TenantId(self.tenant_id),
            customer: Some(customer),
            amount: self.currency.money(self.amount),
            payment_method: Secret::new(self.payment_method.clone().unwrap_or_default()),
            description: self.description.clone(),
            begun_at: Timestamp::new(self.created_at),
            allowed,
        }
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Charge")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

storage::tenant_entity!(Entity, Column::TenantId);

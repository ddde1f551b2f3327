//! The tenant as a customer of the payment provider: made when it first pays, and remembered.

use std::time::Duration;

use billing_api::{Customer, CustomerRequest, GatewayError};
use kernel::{CallContext, CallKey, TenantId};
use sea_orm::{ActiveValue::Set, entity::prelude::*};
use storage::{Query, StoreError};

use super::charge;
use crate::{Billing, accounts};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_customers")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// A tenant is another customer at another provider.
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    /// The provider's id of it.
    pub reference: String,
    pub created_at: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

storage::tenant_entity!(Entity, Column::TenantId);

/// The tenant's customer at `provider`, if it is one.
pub(super) fn at<'q, P>(
    customers: Query<'q, Entity, P>,
    provider: &'static str,
) -> Query<'q, Entity, P> {
    customers.filter(Column::Provider.eq(provider))
}

impl Billing {
    /// In whose name `charge` is asked for: at every time of asking the same.
    ///
    /// # Errors
    /// Whatever it is, by this time of asking nobody was charged.
    pub(super) async fn customer_of(
        &self,
        ctx: &CallContext,
        charge: &charge::Model,
        allowed: Duration,
    ) -> Result<Customer, GatewayError> {
        if let Some(reference) = &charge.customer {
            return Ok(Customer { reference: reference.clone() });
        }
        let request = CustomerRequest {
            // By charge and not by tenant: a provider that repeats its failures for a day would
            // keep the tenant from paying for as long.
            key: CallKey::new(format!("billing/customer/{}", charge.id)),
            tenant: TenantId(charge.tenant_id),
            allowed,
        };
        let customer = match self.gateway.customer(request).await {
            Ok(customer) => customer,
            Err(error @ (GatewayError::Rejected(_) | GatewayError::KeyReused)) => {
                return Err(GatewayError::Rejected(error.into()));
            }
            Err(error) => return Err(GatewayError::Unreachable(error.into())),
        };
        let kept = storage::retrying(|| self.keep(ctx, charge, &customer)).await;
        kept.map_err(|error| GatewayError::Unreachable(error.into()))
    }

    /// Remembers the customer for the tenant and for the charge. Of several at once the first one
    /// stands, and is the answer to all.
    async fn keep(
        &self,
        ctx: &CallContext,
        charge: &charge::Model,
        customer: &Customer,
    ) -> Result<Customer, StoreError> {
        let (provider, now) = (self.gateway.provider(), self.store.clock().now());
        let tx = self.store.write(ctx).await?;
        accounts::lock(&tx).await?;
        let fresh = ActiveModel {
            tenant_id: Set(charge.tenant_id),
            provider: Set(provider.to_owned()),
            reference: Set(customer.reference.clone()),
            created_at: Set(now.into()),
        };
        tx.insert_new(vec![fresh], &[Column::TenantId, Column::Provider]).await?;
        let module = self.store.module();
        let missing = |table| StoreError::NotFound { module, table };
        let stands = at(tx.find(), provider).one().await?;
        let stands = stands.ok_or_else(|| missing("payment_customers"))?;
        tx.update_many::<charge::Entity>()
            .set(charge::Column::Customer, stands.reference)
            .filter(charge::Column::Id.eq(charge.id))
            .filter(charge::Column::Customer.is_null())
            .exec()
            .await?;
        let one = charge::Column::Id.eq(charge.id);
        let asked_for = tx.find::<charge::Entity>().filter(one).one().await?;
        let reference = asked_for.and_then(|charge| charge.customer);
        tx.commit().await?;
        reference.map(|reference| Customer { reference }).ok_or_else(|| missing("charges"))
    }
}

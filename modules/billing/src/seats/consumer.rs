use async_trait::async_trait;
use auth_api::TenantCreated;
use events::{Delivery, Effect, HandlerError};
use kernel::CallContext;
use storage::TenantTx;

use crate::accounts;

/// The owner of a new tenant takes its first seat, without asking: a tenant has its owner.
pub(crate) struct OwnerSeat;

#[async_trait]
impl Effect<TenantCreated> for OwnerSeat {
    async fn apply(
        &self,
        tx: &TenantTx,
        _: &CallContext,
        event: TenantCreated,
        _: &Delivery,
    ) -> Result<(), HandlerError> {
        if event.tenant != tx.tenant() {
            return Err(HandlerError::permanent("the event is of another tenant than it tells of"));
        }
        // A seat that appears while others count would make them count wrongly.
        accounts::lock(tx).await?;
        super::take(tx, &format!("user:{}", event.owner)).await?;
        Ok(())
    }
}

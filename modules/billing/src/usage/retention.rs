//! How long it is remembered what was counted. The totals stay.

use std::time::Duration;

use sea_orm::{ColumnTrait, sea_query::Query};
use storage::StoreError;

use super::event::{Column, Entity};
use crate::{Billing, scopes};

/// How often what is old is forgotten.
pub(crate) const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// How long an event is known. Far longer than one may be late, so that a repetition is either
/// known or refused for its age, and never counted again.
pub(super) const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// About how many rows go in one transaction: on the embedded engine nobody else writes meanwhile.
const AT_ONCE: u64 = 500;

impl Billing {
    /// Forgets the events that were counted long ago.
    pub(crate) async fn forget_usage(&self) -> Result<(), StoreError> {
        let before = (self.store.clock().now() - KEPT).to_offset_date_time();
        loop {
            let some = Query::select()
                .column(Column::EventId)
                .from(Entity)
                .and_where(Column::CreatedAt.lt(before))
                .limit(AT_ONCE)
                .take();
            let tx = self.store.system_write(&scopes::USAGE).await?;
            let gone = tx
                .delete_many::<Entity>()
                .filter(Column::EventId.in_subquery(some))
                .filter(Column::CreatedAt.lt(before))
                .exec()
                .await?;
            tx.commit().await?;
            if gone < AT_ONCE {
                return Ok(());
            }
        }
    }
}

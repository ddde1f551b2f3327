//! How long it is remembered whom was written to.

use std::time::Duration;

use module::Sweep;
use sea_orm::ColumnTrait;
use storage::{Store, StoreError};

use super::entity::{Column, Entity, MailState};
use crate::scopes::RETENTION;

const HOUR: Duration = Duration::from_secs(3_600);

/// As long as the inbox knows the event that asked for a mail: until then, a repetition must find
/// the mail to be nothing new.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Deletes mails that were sent or refused long ago: addresses are personal data.
pub(crate) fn sweep(store: Store) -> Sweep {
    Sweep::new("notifications.delete_old_mails", HOUR, move || delete_old(store.clone()))
}

async fn delete_old(store: Store) -> Result<(), StoreError> {
    let then = store.clock().now() - KEPT;
    let tx = store.system_write(&RETENTION).await?;
    tx.delete_many::<Entity>()
        .filter(Column::State.ne(MailState::Queued))
        .filter(Column::UpdatedAt.lt(then.to_offset_date_time()))
        .exec()
        .await?;
    tx.commit().await
}

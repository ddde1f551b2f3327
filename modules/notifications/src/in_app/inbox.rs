//! Reading and writing the inbox.

use std::collections::HashMap;

use kernel::{CallContext, NotificationId, Page, PageRequest, Role, Timestamp, UserId};
use notifications_api::{Notice, NotificationsApi, NotifyError};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition};
use serde::Serialize;
use storage::{Once, Store, StoreError, TenantTx};
use utoipa::ToSchema;

use super::entity::{notification, read};

const MAX_KIND: usize = 100;
const MAX_TITLE: usize = 200;
const MAX_BODY: usize = 2_000;

/// The in-app inbox of every tenant.
#[derive(Clone)]
pub(crate) struct InAppInbox {
    store: Store,
}

/// An entry to be made, and the least role that sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub audience: Role,
    pub notice: Notice,
}

/// An entry of the in-app inbox, as the calling member sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Notification)]
pub(crate) struct NotificationView {
    /// Names the entry.
    pub id: NotificationId,
    /// What it is about, such as `billing.invoice_paid`.
    pub kind: String,
    /// One line.
    pub title: String,
    /// The rest; may be empty.
    pub body: String,
    /// When it came in.
    pub created_at: Timestamp,
    /// When the caller read it; null until then.
    pub read_at: Option<Timestamp>,
}

impl InAppInbox {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// What `reader` may see, newest first.
    pub(crate) async fn list(
        &self,
        ctx: &CallContext,
        reader: Reader,
        request: &PageRequest,
    ) -> Result<Page<NotificationView>, StoreError> {
        let data = self.store.read(ctx)?;
        let page = data
            .find::<notification::Entity>()
            .filter(reader.may_see())
            .page(request, notification::Column::CreatedAt, notification::Column::Id)
            .await?;
        let reads: HashMap<_, _> = data
            .find::<read::Entity>()
            .filter(read::Column::UserId.eq(reader.user.0))
            .filter(read::Column::NotificationId.is_in(page.items.iter().map(|row| row.id)))
            .all()
            .await?
            .into_iter()
            .map(|read| (read.notification_id, Timestamp::from(read.read_at)))
            .collect();
        Ok(page.map(|row| NotificationView {
            id: row.id.into(),
            read_at: reads.get(&row.id).copied(),
            kind: row.kind,
            title: row.title,
            body: row.body,
            created_at: row.created_at.into(),
        }))
    }

    /// Notes that `reader` has read the entry, the first time only; `false` where there is no such
    /// entry for them.
    pub(crate) async fn mark_read(
        &self,
        ctx: &CallContext,
        reader: Reader,
        id: NotificationId,
    ) -> Result<bool, StoreError> {
        storage::retrying(|| self.try_to_mark_read(ctx, reader, id)).await
    }

    async fn try_to_mark_read(
        &self,
        ctx: &CallContext,
        reader: Reader,
        id: NotificationId,
    ) -> Result<bool, StoreError> {
        let tx = self.store.write(ctx).await?;
        let seen = tx
            .find::<notification::Entity>()
            .filter(reader.may_see())
            .filter(notification::Column::Id.eq(id.0))
            .one()
            .await?;
        if seen.is_none() {
            return Ok(false);
        }
        let read = read::ActiveModel {
            tenant_id: Set(tx.tenant().into()),
            notification_id: Set(id.0),
            user_id: Set(reader.user.0),
            read_at: Set(self.store.clock().now().into()),
        };
        let key = [read::Column::TenantId, read::Column::NotificationId, read::Column::UserId];
        tx.insert_new(vec![read], &key).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Makes an entry in the caller's transaction.
pub(crate) async fn put(tx: &TenantTx, entry: Entry) -> Result<NotificationId, StoreError> {
    let id = tx.store().ids().next();
    let Entry { audience, notice } = entry;
    tx.insert(notification::ActiveModel {
        tenant_id: Set(tx.tenant().into()),
        id: Set(id),
        audience: Set(audience.as_str().to_owned()),
        kind: Set(notice.kind),
        title: Set(notice.title),
        body: Set(notice.body),
        created_at: Set(tx.store().clock().now().into()),
    })
    .await?;
    Ok(id.into())
}

/// Who reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    pub user: UserId,
    pub role: Role,
}

impl Reader {
    fn may_see(self) -> Condition {
        let roles = [Role::Member, Role::Admin, Role::Owner];
        let audiences = roles.into_iter().filter(|role| *role <= self.role).map(Role::as_str);
        Condition::all().add(notification::Column::Audience.is_in(audiences))
    }
}

#[seam::async_trait]
impl NotificationsApi for InAppInbox {
    async fn notify(
        &self,
        ctx: &CallContext,
        notice: Notice,
    ) -> Result<NotificationId, NotifyError> {
        if ctx.tenant().is_none() {
            return Err(NotifyError::Forbidden);
        }
        storage::retrying(|| async {
            let tx = match self.store.once(ctx, "notify", &notice).await? {
                Once::First(tx) => tx,
                Once::Recorded(outcome) => return outcome,
            };
            let outcome = match check(&notice) {
                Ok(()) => put(&tx, Entry { audience: Role::Member, notice: notice.clone() })
                    .await
                    .map_err(|error| NotifyError::Call(error.into())),
                Err(refusal) => Err(refusal),
            };
            tx.finish(outcome).await
        })
        .await
    }
}

/// Holds a notice to the bounds of its contract.
fn check(notice: &Notice) -> Result<(), NotifyError> {
    let invalid = |detail: String| Err(NotifyError::Invalid { detail });
    let kind_is_dotted = notice.kind.split('.').all(|part| {
        !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    });
    if !kind_is_dotted || notice.kind.len() > MAX_KIND {
        return invalid(format!("`kind` must be 1 to {MAX_KIND} characters of dotted lower case"));
    }
    let title = notice.title.chars().count();
    if title == 0 || title > MAX_TITLE || notice.title.contains(ends_a_line) {
        return invalid(format!("`title` must be one line of 1 to {MAX_TITLE} characters"));
    }
    if notice.body.chars().count() > MAX_BODY {
        return invalid(format!("`body` must have at most {MAX_BODY} characters"));
    }
    Ok(())
}

fn ends_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(kind: &str, title: &str, body: &str) -> Notice {
        Notice { kind: kind.to_owned(), title: title.to_owned(), body: body.to_owned() }
    }

    #[test]
    fn takes_what_the_contract_allows() {
        let longest = "é".repeat(MAX_TITLE);
        for (title, body) in [("A", ""), (longest.as_str(), "two\nlines")] {
            assert_eq!(check(&notice("project.archived", title, body)), Ok(()));
        }
    }

    #[test]
    fn refuses_what_it_does_not() {
        let (title, body) = ("é".repeat(MAX_TITLE + 1), "é".repeat(MAX_BODY + 1));
        for wrong in [
            notice("", "t", ""),
            notice("a..b", "t", ""),
            notice("Project", "t", ""),
            notice(&"a".repeat(MAX_KIND + 1), "t", ""),
            notice("a", "", ""),
            notice("a", "two\r\nlines", ""),
            notice("a", "two\u{2028}lines", ""),
            notice("a", &title, ""),
            notice("a", "t", &body),
        ] {
            let refused = matches!(check(&wrong), Err(NotifyError::Invalid { .. }));
            assert!(refused, "{wrong:?}");
        }
    }
}

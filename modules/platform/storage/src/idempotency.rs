//! Idempotency keys of the public API: a client that repeats a request gets the first response.

use std::time::Duration;

use kernel::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition};
use serde_json::Value;

use crate::{StoreError, TenantTx, tables::idempotency_keys as keys};

/// How long a key stands for its request: a day, as payment providers do.
pub const KEY_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a key may be given back just when somebody else wants to look at it.
const MEETINGS: u32 = 5;

/// What a request under a key is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The key is new, and claimed until the lease ends: do the work.
    New,
    /// The key was claimed by one who never finished, and its lease has ended: find out how far it
    /// came and finish the work. The lease is renewed.
    Resume,
    /// The work is done: answer as it was answered then.
    Replay {
        /// The HTTP status.
        status: u16,
        /// The response.
        body: Value,
    },
    /// Another request under this key is at work.
    InFlight {
        /// When its lease ends.
        retry_after: Duration,
    },
    /// The key was used with another body.
    Mismatch,
}

impl TenantTx {
    /// Claims `key` for one request to `route`. Commit before the work is done outside the
    /// database, so that others see the claim.
    ///
    /// # Errors
    /// The database's.
    pub async fn claim_key(
        &self,
        route: &str,
        key: &str,
        body_hash: &str,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let now = self.store().clock().now();
        let fresh = keys::ActiveModel {
            tenant_id: Set(self.tenant().0),
            route: Set(route.to_owned()),
            key: Set(key.to_owned()),
            body_hash: Set(body_hash.to_owned()),
            state: Set(keys::State::InFlight),
            status: Set(None),
            response: Set(None),
            claimed_at: Set(now.into()),
            lease_until: Set((now + lease).into()),
            expires_at: Set((now + KEY_LIFETIME).into()),
        };
        let columns = [keys::Column::TenantId, keys::Column::Route, keys::Column::Key];
        let mut found = None;
        for _ in 0..MEETINGS {
            if self.insert_new(vec![fresh.clone()], &columns).await? == 1 {
                return Ok(Claim::New);
            }
            found = self.find::<keys::Entity>().filter(one_key(route, key)).lock().one().await?;
            if found.is_some() {
                break;
            }
            // It was given back or swept between the two.
        }
        let Some(found) = found else {
            return Err(StoreError::NotFound {
                module: self.store().module(),
                table: "idempotency_keys",
            });
        };
        if Timestamp::new(found.expires_at) <= now {
            self.update(fresh).await?;
            return Ok(Claim::New);
        }
        if found.body_hash != body_hash {
            return Ok(Claim::Mismatch);
        }
        if let (keys::State::Done, Some(status)) = (found.state, found.status) {
            let status = u16::try_from(status).unwrap_or_default();
            return Ok(Claim::Replay { status, body: found.response.unwrap_or_default() });
        }
        let lease_until = Timestamp::new(found.lease_until);
        // Nobody claims for so long: whoever did had another clock.
        let is_believable = lease_until <= now + 2 * lease;
        if lease_until > now && is_believable {
            return Ok(Claim::InFlight { retry_after: lease_until.since(now) });
        }
        self.update_many::<keys::Entity>()
            .set(keys::Column::LeaseUntil, (now + lease).to_offset_date_time())
            .filter(one_key(route, key))
            .exec()
            .await?;
        Ok(Claim::Resume)
    }

    /// Keeps the response for those who repeat the request, for a day from now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the key is not claimed, or the database's.
    pub async fn complete_key(
        &self,
        route: &str,
        key: &str,
        status: u16,
        body: &Value,
    ) -> Result<(), StoreError> {
        let expires_at = self.store().clock().now() + KEY_LIFETIME;
        let updated = self
            .update_many::<keys::Entity>()
            .set(keys::Column::State, keys::State::Done)
            .set(keys::Column::Status, Some(i32::from(status)))
            .set(keys::Column::Response, Some(body.clone()))
            .set(keys::Column::ExpiresAt, expires_at.to_offset_date_time())
            .filter(one_key(route, key))
            .exec()
            .await?;
        if updated == 0 {
            return Err(StoreError::NotFound {
                module: self.store().module(),
                table: "idempotency_keys",
            });
        }
        Ok(())
    }

    /// Gives the key back: nothing was done, and the same request may come with another body.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_key(&self, route: &str, key: &str) -> Result<(), StoreError> {
        self.delete_many::<keys::Entity>().filter(one_key(route, key)).exec().await.map(drop)
    }
}

fn one_key(route: &str, key: &str) -> Condition {
    Condition::all().add(keys::Column::Route.eq(route)).add(keys::Column::Key.eq(key))
}

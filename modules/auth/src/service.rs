//! What the features share, and the port.

use std::sync::Arc;

use async_trait::async_trait;
use auth_api::{AuthApi, AuthError, Contact, ContactQuery, KeySet};
use billing_api::BillingApi;
use kernel::{CallContext, Timestamp};
use storage::Store;
use tokens::{AccessTokens, Sealer};

use crate::{passwords::Passwords, settings::AuthSettings};

/// The module at work. Each feature adds its methods in its own folder.
pub(crate) struct AuthService {
    pub(crate) store: Store,
    pub(crate) billing: Arc<dyn BillingApi>,
    pub(crate) access_tokens: AccessTokens,
    /// The public half of what access tokens are signed with.
    pub(crate) key_set: KeySet,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) passwords: Passwords,
    pub(crate) settings: AuthSettings,
}

impl AuthService {
    pub(crate) fn now(&self) -> Timestamp {
        self.store.clock().now()
    }
}

#[async_trait]
impl AuthApi for AuthService {
    async fn signing_keys(&self, _ctx: &CallContext) -> Result<KeySet, AuthError> {
        Ok(self.key_set.clone())
    }

    async fn contacts(
        &self,
        ctx: &CallContext,
        query: ContactQuery,
    ) -> Result<Vec<Contact>, AuthError> {
        self.contacts_of_tenant(ctx, &query).await
    }
}

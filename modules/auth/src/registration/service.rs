//! Registering and verifying.

use auth_api::{TenantCreated, VerificationRequested};
use kernel::{CallContext, Event, Secret, TenantId, UserId};
use storage::{StoreError, SystemTx};
use tokens::{OneTimeToken, SealError, hash_token};

use super::{
    Registration,
    store::{self, Attempt},
};
use crate::{
    audit::{self, Action},
    metrics,
    passwords::PasswordError,
    people::{first_membership, hold_user, user_by_email},
    scopes,
    service::AuthService,
};

/// Why a registration was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterError {
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Sealing(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an address was not verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    /// Never given out, used, or expired: the three are not told apart.
    #[error("the token is not valid")]
    InvalidToken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthService {
    /// Takes a registration. An unknown address gets an account, a tenant and a mail; a known one
    /// that is not verified gets a mail for this registration too; a verified one gets nothing.
    /// The answer is the same, and each case hashes once, seals once and commits once.
    pub(crate) async fn register(
        &self,
        ctx: &CallContext,
        registration: Registration,
    ) -> Result<(), RegisterError> {
        let password_hash = self.passwords.hash(registration.password.into_secret()).await?;
        let (token, token_hash) = OneTimeToken::generate();
        let sealed_token = self.sealer.seal(token.expose(), VerificationRequested::TYPE)?;
        let now = self.store.clock().now();
        let attempt = Attempt {
            email: registration.email,
            name: registration.name.as_str().to_owned(),
            organization: registration.organization.as_str().to_owned(),
            password_hash,
            token_hash,
            now,
            expires_at: now + self.settings.verification_lifetime,
        };
        let store = || storage::retrying(|| self.store_attempt(ctx, &attempt, &sealed_token));
        match store().await {
            // Somebody registered the same address at the same moment; now it is a known one.
            Err(error) if error.is_unique_on("users", "email") => store().await?,
            outcome => outcome?,
        }
        Ok(())
    }

    async fn store_attempt(
        &self,
        ctx: &CallContext,
        attempt: &Attempt,
        sealed_token: &str,
    ) -> Result<(), StoreError> {
        let tx = self.store.system_write(&scopes::REGISTRATION).await?;
        let known = match user_by_email(&tx, &attempt.email).await? {
            Some(user) => first_membership(&tx, UserId(user.id))
                .await?
                .map(|membership| (user, TenantId(membership.tenant_id))),
            None => None,
        };
        let is_new = known.is_none();
        match known {
            None => {
                let user = UserId(self.store.ids().next());
                let tenant = TenantId(self.store.ids().next());
                store::insert_account(&tx, attempt, user, tenant).await?;
                let created =
                    TenantCreated { tenant, name: attempt.organization.clone(), owner: user };
                tx.publish(Some(tenant), ctx, &created).await?;
                self.request_verification(ctx, &tx, attempt, sealed_token, (user, tenant)).await?;
                audit_account(&tx, Action::Registered, user, tenant).await?;
            }
            Some((user, tenant)) if user.email_verified_at.is_none() => {
                let user = UserId(user.id);
                store::adopt_password(&tx, attempt, user).await?;
                self.request_verification(ctx, &tx, attempt, sealed_token, (user, tenant)).await?;
                audit_account(&tx, Action::RegistrationRepeated, user, tenant).await?;
            }
            Some((user, tenant)) => {
                audit_account(&tx, Action::RegistrationRepeated, UserId(user.id), tenant).await?;
            }
        }
        tx.commit().await?;
        if is_new {
            metrics::registered();
        }
        Ok(())
    }

    async fn request_verification(
        &self,
        ctx: &CallContext,
        tx: &SystemTx,
        attempt: &Attempt,
        sealed_token: &str,
        (user, tenant): (UserId, TenantId),
    ) -> Result<(), StoreError> {
        store::insert_token(tx, attempt, user, tenant).await?;
        let requested = VerificationRequested {
            user,
            email: attempt.email.as_str().to_owned(),
            name: attempt.name.clone(),
            sealed_token: sealed_token.to_owned(),
            expires_at: attempt.expires_at,
        };
        tx.publish(Some(tenant), ctx, &requested).await?;
        Ok(())
    }

    /// Lets the registration take effect whose link carried `token`.
    pub(crate) async fn verify_email(&self, token: &Secret) -> Result<(), VerifyError> {
        let token_hash = hash_token(token.expose());
        storage::retrying(|| self.verify(&token_hash)).await
    }

    async fn verify(&self, token_hash: &str) -> Result<(), VerifyError> {
        let tx = self.store.system_write(&scopes::VERIFICATION).await?;
        let now = self.store.clock().now();
        let found = store::attempt_of(&tx, token_hash).await?.ok_or(VerifyError::InvalidToken)?;
        let (user, tenant) = (UserId(found.user_id), TenantId(found.tenant_id));
        // Another link of theirs may have been followed until the user is held.
        hold_user(&tx, user).await?;
        let attempt = store::attempt_of(&tx, token_hash)
            .await?
            .filter(|attempt| now < attempt.expires_at.into())
            .ok_or(VerifyError::InvalidToken)?;
        if !store::confirm(&tx, attempt, now).await? {
            return Err(VerifyError::InvalidToken);
        }
        audit_account(&tx, Action::EmailVerified, user, tenant).await?;
        Ok(tx.commit().await?)
    }
}

/// Writes a line about somebody's own account.
async fn audit_account(
    tx: &SystemTx,
    action: Action,
    user: UserId,
    tenant: TenantId,
) -> Result<(), StoreError> {
    let line = audit::Line { actor: Some(user), action, subject: None };
    audit::write_for(tx, tenant, line).await
}

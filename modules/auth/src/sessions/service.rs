//! Logging in, refreshing and logging out.

use kernel::{Role, Secret, TenantId, UserId};
use sea_orm::{ColumnTrait, prelude::Uuid};
use storage::{StoreError, SystemTx};
use tokens::{AccessClaims, OneTimeToken, SealError, TokenError, hash_token};

use super::{
    domain::{self, Presented, Successor, Verdict},
    store::{self, NewRefreshToken, NewSession, Outcome, SignIn, refresh_tokens, sessions},
};
use crate::{
    audit::{self, Action},
    metrics,
    passwords::PasswordError,
    people::{EmailAddress, Password, first_membership, membership_of, memberships, users},
    scopes,
    service::AuthService,
};

/// What the successor of a refresh token is sealed for.
const SUCCESSOR: &str = "auth.refresh_successor";

/// What somebody logs in with, as it was typed: what cannot be right costs as much as what is
/// wrong.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) email: String,
    pub(crate) password: Secret,
    /// The tenant to act in; the first one where none is named.
    pub(crate) tenant: Option<TenantId>,
}

/// What a client gets. Both are secrets.
#[derive(Debug)]
pub(crate) struct TokenPair {
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Secret,
}

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The address is unknown or the password wrong: the two are not told apart.
    #[error("the address is unknown or the password wrong")]
    InvalidCredentials,
    /// Said only to who knows the password.
    #[error("the address is not verified")]
    EmailNotVerified,
    /// They do not belong to the tenant that they named.
    #[error("the person belongs to no such tenant")]
    UnknownTenant,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a session was not continued.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    /// Never given out, expired, used before, or of a session that is over: not told apart.
    #[error("the refresh token is not valid")]
    InvalidToken,
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Sealing(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthService {
    /// Begins a session. Whatever the outcome, one password is checked and one attempt written.
    pub(crate) async fn log_in(&self, credentials: Credentials) -> Result<TokenPair, LoginError> {
        let user = self.user_to_log_in(&credentials).await?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        // An endless password is refused with the work of a wrong one.
        let hash = hash.filter(|_| Password::parse(&credentials.password).is_ok());
        let matches = self.passwords.matches(credentials.password, hash).await?;
        let (user, known) = (user.as_ref(), user.as_ref().filter(|_| matches));
        storage::retrying(|| self.sign_in(user, known, credentials.tenant)).await
    }

    /// Writes the attempt of `user`, where there is one, and begins a session where they are
    /// `known` by their password.
    async fn sign_in(
        &self,
        user: Option<&users::Model>,
        known: Option<&users::Model>,
        tenant: Option<TenantId>,
    ) -> Result<TokenPair, LoginError> {
        let tx = self.store.system_write(&scopes::SIGN_IN).await?;
        let admitted = match known {
            Some(user) => admit(&tx, user, tenant).await?,
            None => Err(LoginError::InvalidCredentials),
        };
        let (outcome, tenant) = match &admitted {
            Ok(membership) => (Outcome::Succeeded, Some(TenantId(membership.tenant_id))),
            Err(LoginError::EmailNotVerified) => (Outcome::EmailNotVerified, None),
            Err(LoginError::UnknownTenant) => (Outcome::UnknownTenant, None),
            Err(_) => (Outcome::InvalidCredentials, None),
        };
        let sign_in = SignIn {
            id: self.store.ids().next(),
            user: user.map(|user| UserId(user.id)),
            tenant,
            outcome,
            at: self.store.clock().now(),
        };
        store::insert_sign_in(&tx, sign_in).await?;
        let pair = match admitted {
            Ok(membership) => self.begin_session(&tx, &membership).await,
            Err(refusal) => Err(refusal),
        };
        tx.commit().await?;
        metrics::logged_in(outcome);
        pair
    }

    async fn user_to_log_in(
        &self,
        credentials: &Credentials,
    ) -> Result<Option<users::Model>, StoreError> {
        // An address that cannot exist is looked up all the same.
        let address = EmailAddress::parse(&credentials.email);
        let address = address.as_ref().map_or("", EmailAddress::as_str);
        self.store
            .system(&scopes::SIGN_IN)
            .find::<users::Entity>()
            .filter(users::Column::Email.eq(address))
            .one()
            .await
    }

    async fn begin_session(
        &self,
        tx: &SystemTx,
        membership: &memberships::Model,
    ) -> Result<TokenPair, LoginError> {
        let now = self.store.clock().now();
        let session = NewSession {
            id: self.store.ids().next(),
            tenant: TenantId(membership.tenant_id),
            user: UserId(membership.user_id),
            now,
            expires_at: now + self.settings.session_lifetime,
        };
        store::insert_session(tx, session).await?;
        let (refresh_token, token_hash) = OneTimeToken::generate();
        self.give_out(tx, session.tenant, session.id, token_hash).await?;
        audit_session(tx, Action::SignedIn, session.tenant, session.user, session.id).await?;
        let access_token = self.access_token(membership)?;
        Ok(TokenPair { access_token, refresh_token })
    }

    /// Exchanges a refresh token for the next one and a new access token, which carries the role
    /// that its holder has now.
    ///
    /// One that was exchanged already is answered with the same successor for a few seconds, as
    /// long as nobody has used that; any other use of it ends the session.
    pub(crate) async fn refresh(&self, token: &Secret) -> Result<TokenPair, RefreshError> {
        let token_hash = hash_token(token.expose());
        storage::retrying(|| self.exchange(&token_hash)).await
    }

    async fn exchange(&self, token_hash: &str) -> Result<TokenPair, RefreshError> {
        let tx = self.store.system_write(&scopes::REFRESH).await?;
        let now = self.store.clock().now();
        let found = store::find_token(&tx, token_hash).await?;
        let (token, session) = found.ok_or(RefreshError::InvalidToken)?;
        let (user, tenant) = (UserId(session.user_id), TenantId(session.tenant_id));
        let (repeated, successor) = self.successor_of(&tx, &token).await?;
        let presented = Presented {
            expires_at: token.expires_at.into(),
            rotated_at: token.rotated_at.map(Into::into),
            successor,
            session_expires_at: session.expires_at.into(),
            session_revoked_at: session.revoked_at.map(Into::into),
        };
        let verdict = domain::judge(&presented, now, self.settings.refresh_reuse_grace);
        let membership = membership_of(&tx, user, tenant).await?;
        let refresh_token = match (verdict, repeated, &membership) {
            (Verdict::Repeat, Some(successor), Some(_)) => successor,
            (Verdict::Rotate, _, Some(_)) => self.rotate(&tx, &token).await?,
            (Verdict::Refuse, ..) => return Err(RefreshError::InvalidToken),
            // Reuse, or somebody who is no member any more.
            _ => {
                self.end(&tx, &session, Action::SessionRevoked).await?;
                tx.commit().await?;
                return Err(RefreshError::InvalidToken);
            }
        };
        tx.commit().await?;
        let membership = membership.ok_or(RefreshError::InvalidToken)?;
        Ok(TokenPair { access_token: self.access_token(&membership)?, refresh_token })
    }

    /// Ends the session of `token`; one that is not valid has nothing to end (RFC 7009 §2.2).
    pub(crate) async fn log_out(&self, token: &Secret) -> Result<(), StoreError> {
        let token_hash = hash_token(token.expose());
        storage::retrying(|| async {
            let tx = self.store.system_write(&scopes::REFRESH).await?;
            if let Some((_, session)) = store::find_token(&tx, &token_hash).await? {
                self.end(&tx, &session, Action::SignedOut).await?;
            }
            tx.commit().await
        })
        .await
    }

    async fn rotate(
        &self,
        tx: &SystemTx,
        token: &refresh_tokens::Model,
    ) -> Result<Secret, RefreshError> {
        let (successor, successor_hash) = OneTimeToken::generate();
        let sealed = self.sealer.seal(successor.expose(), SUCCESSOR)?;
        store::mark_rotated(tx, token, sealed, self.store.clock().now()).await?;
        self.give_out(tx, TenantId(token.tenant_id), token.session_id, successor_hash).await?;
        Ok(successor)
    }

    /// The token that `token` was exchanged for, where it can still be given, and its fate.
    async fn successor_of(
        &self,
        tx: &SystemTx,
        token: &refresh_tokens::Model,
    ) -> Result<(Option<Secret>, Successor), RefreshError> {
        let Some(sealed) = &token.sealed_successor else {
            // Swept, or forgotten when the successor was used.
            let fate = if token.rotated_at.is_some() { Successor::Used } else { Successor::None };
            return Ok((None, fate));
        };
        let successor = self.sealer.open(sealed, SUCCESSOR)?;
        let fate = match store::was_rotated(tx, &hash_token(successor.expose())).await? {
            Some(false) => Successor::Unused,
            Some(true) | None => Successor::Used,
        };
        Ok((Some(successor), fate))
    }

    async fn give_out(
        &self,
        tx: &SystemTx,
        tenant: TenantId,
        session: Uuid,
        token_hash: String,
    ) -> Result<(), StoreError> {
        let now = self.store.clock().now();
        let expires_at = now + self.settings.refresh_token_lifetime;
        let token = NewRefreshToken { tenant, session, token_hash, now, expires_at };
        store::insert_refresh_token(tx, token).await
    }

    async fn end(
        &self,
        tx: &SystemTx,
        session: &sessions::Model,
        action: Action,
    ) -> Result<(), StoreError> {
        if store::revoke(tx, session, self.store.clock().now()).await? {
            let (tenant, user) = (TenantId(session.tenant_id), UserId(session.user_id));
            audit_session(tx, action, tenant, user, session.id).await?;
        }
        Ok(())
    }

    fn access_token(&self, membership: &memberships::Model) -> Result<Secret, TokenError> {
        let claims = AccessClaims {
            user: UserId(membership.user_id),
            tenant: TenantId(membership.tenant_id),
            role: Role::from(membership.role),
        };
        self.access_tokens.issue(&claims, self.store.clock().now()).map(Secret::from)
    }
}

async fn audit_session(
    tx: &SystemTx,
    action: Action,
    tenant: TenantId,
    user: UserId,
    session: Uuid,
) -> Result<(), StoreError> {
    let line = audit::Line { actor: Some(user), action, subject: Some(session) };
    audit::write_for(tx, tenant, line).await
}

/// Lets somebody in whose password was right, or says why not.
async fn admit(
    tx: &SystemTx,
    user: &users::Model,
    tenant: Option<TenantId>,
) -> Result<Result<memberships::Model, LoginError>, StoreError> {
    if user.email_verified_at.is_none() {
        return Ok(Err(LoginError::EmailNotVerified));
    }
    let user = UserId(user.id);
    let membership = match tenant {
        Some(tenant) => membership_of(tx, user, tenant).await?,
        None => first_membership(tx, user).await?,
    };
    Ok(membership.ok_or(LoginError::UnknownTenant))
}

//! Accepting an invitation.

use auth_api::MemberJoined;
use kernel::{CallContext, InvitationId, Role, Secret, TenantId, Timestamp, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait};
use serde_json::Value;
use storage::{StoreError, SystemTx};
use tokens::hash_token;

use super::{
    domain::{Status, Step},
    jobs, replay,
    store::{self, StoredStatus, invitations},
};
use crate::{
    audit::{self, Action},
    input::{FieldRule, Fields, Invalid},
    passwords::PasswordError,
    people::{Password, PersonName, membership_of, memberships, tenants, users},
    registration::forget_attempts,
    scopes,
    service::AuthService,
};

/// What somebody accepts with, as it was typed.
#[derive(Debug)]
pub(crate) struct Acceptance {
    pub(crate) token: Secret,
    /// Asked of who has no verified account yet, and ignored for who has.
    pub(crate) name: Option<String>,
    /// As `name`.
    pub(crate) password: Option<Secret>,
    /// Tells a repetition from another request with the same token. It covers the token itself, so
    /// that nobody who reads the hash can try passwords on it.
    pub(crate) body_hash: String,
}

/// What somebody is answered.
#[derive(Debug)]
pub(crate) enum Accepted {
    Joined(Joined),
    /// As they were answered the first time.
    Replayed {
        status: u16,
        body: Value,
    },
}

/// Where somebody belongs now.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) tenant: TenantId,
    pub(crate) tenant_name: String,
    pub(crate) user: UserId,
    pub(crate) role: Role,
}

/// Why an invitation was not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    /// Never given out, used, revoked or expired: not told apart.
    #[error("the token is not valid")]
    InvalidToken,
    /// The address has no verified account, and the name or the password is missing or refused.
    #[error(transparent)]
    Details(#[from] Invalid),
    #[error("the person belongs to the tenant already")]
    AlreadyMember,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a new account is made of.
#[derive(Clone, Debug)]
struct Account {
    name: String,
    password_hash: String,
}

impl AuthService {
    /// Makes the holder of the token a member. The token came by mail, so the address counts as
    /// verified; who has a verified account under it joins with that one, anybody else chooses a
    /// name and a password. That goes for an account that was registered and never verified too:
    /// its password may have been chosen by somebody else.
    ///
    /// The token is the request's key: for a day the very same request is answered again.
    pub(crate) async fn accept(
        &self,
        ctx: &CallContext,
        acceptance: Acceptance,
    ) -> Result<Accepted, AcceptError> {
        let token_hash = hash_token(acceptance.token.expose());
        match self.try_to_accept(ctx, &token_hash, &acceptance).await {
            Ok(joined) => Ok(Accepted::Joined(joined)),
            Err(AcceptError::InvalidToken) => {
                let answer = replay::find(&self.store, &token_hash, &acceptance.body_hash).await?;
                answer.ok_or(AcceptError::InvalidToken)
            }
            Err(error) => Err(error),
        }
    }

    async fn try_to_accept(
        &self,
        ctx: &CallContext,
        token_hash: &str,
        acceptance: &Acceptance,
    ) -> Result<Joined, AcceptError> {
        let account = if self.needs_account(token_hash).await? {
            let (name, password) = parse_details(acceptance)?;
            let password_hash = self.passwords.hash(password.into_secret()).await?;
            Some(Account { name: name.as_str().to_owned(), password_hash })
        } else {
            None
        };
        let body_hash = acceptance.body_hash.as_str();
        let join = || storage::retrying(|| self.join(ctx, token_hash, body_hash, account.as_ref()));
        match join().await {
            // Somebody registered the address at the same moment; now it is a known one.
            Err(AcceptError::Store(error)) if error.is_unique_on("users", "email") => join().await,
            outcome => outcome,
        }
    }

    async fn join(
        &self,
        ctx: &CallContext,
        token_hash: &str,
        body_hash: &str,
        account: Option<&Account>,
    ) -> Result<Joined, AcceptError> {
        let tx = self.store.system_write(&scopes::ACCEPTANCE).await?;
        let now = self.store.clock().now();
        let invitation = pending(&tx, token_hash, now).await?;
        let (tenant, id) = (TenantId(invitation.tenant_id), InvitationId(invitation.id));
        let user = self.user_to_join(&tx, &invitation, account, now).await?;
        let person = UserId(user.id);
        if membership_of(&tx, person, tenant).await?.is_some() {
            return Err(AcceptError::AlreadyMember);
        }
        insert_membership(&tx, &invitation, person, now).await?;
        // The seat stays with the invitation, and so with the member.
        let status = Status::from(invitation.status).after(Step::Accept);
        let status = status.ok_or(AcceptError::InvalidToken)?;
        let role = Role::from(invitation.role);
        let mut accepted = store::moved(invitation, status, now);
        accepted.accepted_by = Set(Some(person.0));
        tx.update(accepted).await?;
        tx.cancel(Some(tenant), &jobs::expiry_job(id)).await?;
        let joined = MemberJoined { invitation: id, user: person, name: user.name, role };
        tx.publish(Some(tenant), ctx, &joined).await?;
        let line = audit::Line {
            actor: Some(person),
            action: Action::InvitationAccepted,
            subject: Some(id.0),
        };
        audit::write_for(&tx, tenant, line).await?;
        let row = tx
            .find::<tenants::Entity>()
            .filter(tenants::Column::Id.eq(tenant.0))
            .one()
            .await?
            .ok_or(AcceptError::InvalidToken)?;
        let joined = Joined { tenant, tenant_name: row.name, user: person, role };
        replay::keep(&tx, token_hash, body_hash, &joined).await?;
        tx.commit().await?;
        Ok(joined)
    }

    /// Whether the address of the invitation has no verified account.
    async fn needs_account(&self, token_hash: &str) -> Result<bool, AcceptError> {
        let reader = self.store.system(&scopes::ACCEPTANCE);
        let now = self.store.clock().now();
        let invitation = reader
            .find::<invitations::Entity>()
            .filter(invitations::Column::TokenHash.eq(token_hash))
            .filter(invitations::Column::Status.eq(StoredStatus::Pending))
            .one()
            .await?
            .filter(|row| now < row.expires_at.into())
            .ok_or(AcceptError::InvalidToken)?;
        let user = reader
            .find::<users::Entity>()
            .filter(users::Column::Email.eq(invitation.email))
            .one()
            .await?;
        Ok(user.is_none_or(|user| user.email_verified_at.is_none()))
    }

    /// The verified account that joins, or the one that `account` makes.
    async fn user_to_join(
        &self,
        tx: &SystemTx,
        invitation: &invitations::Model,
        account: Option<&Account>,
        now: Timestamp,
    ) -> Result<users::Model, AcceptError> {
        let known = tx
            .find::<users::Entity>()
            .filter(users::Column::Email.eq(invitation.email.as_str()))
            .lock()
            .one()
            .await?;
        match (known, account) {
            (Some(user), _) if user.email_verified_at.is_some() => Ok(user),
            (Some(user), Some(account)) => {
                forget_attempts(tx, UserId(user.id)).await?;
                let mut user = users::ActiveModel::from(user);
                user.name = Set(account.name.clone());
                user.password_hash = Set(account.password_hash.clone());
                user.email_verified_at = Set(Some(now.into()));
                user.updated_at = Set(now.into());
                Ok(tx.update(user).await?)
            }
            (None, Some(account)) => {
                let user = users::ActiveModel {
                    id: Set(self.store.ids().next()),
                    email: Set(invitation.email.clone()),
                    name: Set(account.name.clone()),
                    password_hash: Set(account.password_hash.clone()),
                    email_verified_at: Set(Some(now.into())),
                    created_at: Set(now.into()),
                    updated_at: Set(now.into()),
                };
                Ok(tx.insert(user).await?)
            }
            // A verified account does not cease to be one, so this cannot come about.
            (_, None) => Err(AcceptError::InvalidToken),
        }
    }
}

fn parse_details(acceptance: &Acceptance) -> Result<(PersonName, Password), Invalid> {
    const MISSING: FieldRule = FieldRule("is needed to make an account for the invited address");
    let mut fields = Fields::default();
    let name = acceptance.name.as_deref().ok_or(MISSING).and_then(PersonName::parse);
    let name = fields.take("name", name);
    let password = acceptance.password.as_ref().ok_or(MISSING).and_then(Password::parse);
    let password = fields.take("password", password);
    match (name, password) {
        (Some(name), Some(password)) => Ok((name, password)),
        _ => Err(fields.into_invalid()),
    }
}

async fn pending(
    tx: &SystemTx,
    token_hash: &str,
    now: Timestamp,
) -> Result<invitations::Model, AcceptError> {
    tx.find::<invitations::Entity>()
        .filter(invitations::Column::TokenHash.eq(token_hash))
        .filter(invitations::Column::Status.eq(StoredStatus::Pending))
        .lock()
        .one()
        .await?
        .filter(|row| now < row.expires_at.into())
        .ok_or(AcceptError::InvalidToken)
}

async fn insert_membership(
    tx: &SystemTx,
    invitation: &invitations::Model,
    user: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.insert(memberships::ActiveModel {
        tenant_id: Set(invitation.tenant_id),
        user_id: Set(user.0),
        role: Set(invitation.role),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
    })
    .await?;
    Ok(())
}

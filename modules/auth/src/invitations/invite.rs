//! Inviting.

use std::time::Duration;

use auth_api::InvitationCreated;
use billing_api::{BillingError, SeatRequest};
use kernel::{CallContext, CallKey, Event, InvitationId, Role, TenantId, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait};
use seam::CallFailure;
use serde_json::Value;
use storage::{Claim, StoreError, TenantTx};
use tokens::{OneTimeToken, SealError};
use web::{Problem, RequestKey};

use super::{
    domain::{self, RoleNotGrantable, Status, Step},
    jobs::{self, InvitationExpired, ReservationOverdue},
    key,
    store::{self, NewInvitation, StoredStatus, Withdrawal, invitations},
};
use crate::{
    audit::{self, Action},
    people::{EmailAddress, memberships, tenants, users},
    scopes,
    service::AuthService,
};

/// Who invites.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inviter {
    pub(crate) user: UserId,
    pub(crate) tenant: TenantId,
    pub(crate) role: Role,
}

/// Who is to be invited.
#[derive(Clone, Debug)]
pub(crate) struct InviteRequest {
    pub(crate) email: EmailAddress,
    pub(crate) role: Role,
    /// The client's name for the request, where it gave one.
    pub(crate) key: Option<RequestKey>,
}

/// What a client is answered.
#[derive(Debug)]
pub(crate) enum Answer {
    Invited(invitations::Model),
    /// As it was answered the first time.
    Replayed {
        status: u16,
        body: Value,
    },
}

enum Begun {
    /// The intent is committed.
    Reserving(InvitationId),
    /// The request was answered before.
    Answered(Answer),
}

/// What becomes of the client's key when its invitation is taken back.
enum Ending {
    /// Nothing was done, and the same request may do it yet.
    Free,
    /// Who repeats the request is refused alike.
    Refused(Problem),
}

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InviteError {
    #[error(transparent)]
    RoleNotGrantable(#[from] RoleNotGrantable),
    #[error("the key was used for another request")]
    KeyReused,
    #[error("the request under this key is still at work")]
    InFlight { retry_after: Duration },
    #[error("the address belongs to a member")]
    AlreadyMember,
    #[error("the address has an open invitation")]
    AlreadyInvited,
    #[error("all {limit} seats are taken")]
    NoFreeSeat {
        /// How many seats there are.
        limit: u32,
    },
    /// Billing refused for a reason that this caller should not be able to bring about.
    #[error("billing refused to reserve a seat")]
    SeatRefused(#[source] BillingError),
    /// Billing gave no answer. There is no invitation, or there will soon be none.
    #[error("no seat could be reserved")]
    Billing(#[source] CallFailure),
    #[error(transparent)]
    Sealing(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthService {
    /// Invites `email`, on a seat of the tenant's.
    ///
    /// A request that follows one with an unknown outcome goes on with that one's invitation:
    /// billing sees the same key and answers as it did. A request with a key of the client's is
    /// answered as it was the first time, with an invitation or with billing's refusal; what
    /// failed before billing was asked, or without its doing anything, leaves the key free.
    pub(crate) async fn invite(
        &self,
        ctx: &CallContext,
        inviter: Inviter,
        request: InviteRequest,
    ) -> Result<Answer, InviteError> {
        domain::check_grant(inviter.role, request.role)?;
        // Before the transaction: one that waits for a second connection could wait for ever.
        let user = self.user_with(&request.email).await?.map(|user| UserId(user.id));
        let begin = || self.begin_reservation(ctx, inviter, user, &request);
        let id = match storage::retrying(begin).await? {
            Begun::Reserving(id) => id,
            Begun::Answered(answer) => return Ok(answer),
        };
        self.reserve(ctx, inviter, id, &request).await.map(Answer::Invited)
    }

    /// Reserves the seat and confirms the invitation. No transaction is open here.
    async fn reserve(
        &self,
        ctx: &CallContext,
        inviter: Inviter,
        id: InvitationId,
        invited: &InviteRequest,
    ) -> Result<invitations::Model, InviteError> {
        let key = CallKey::new(jobs::holder(id));
        let call = ctx.with_key(key).with_time(self.settings.seat_call_time);
        let request = SeatRequest { holder: jobs::holder(id) };
        let error = match self.billing.reserve_seat(&call, request).await {
            Ok(_) => {
                return storage::retrying(|| self.confirm(ctx, inviter, id, invited)).await;
            }
            Err(error) => error,
        };
        let key = invited.key.as_ref();
        match error {
            BillingError::Call(failure) if failure.is_certainly_not_done() => {
                // Another request may have reserved the seat without our knowing.
                self.withdraw(ctx, id, Withdrawal::AfterOneAttempt, key, Ending::Free).await;
                Err(InviteError::Billing(failure))
            }
            // Whoever comes back under the key goes on with the invitation; otherwise the check
            // takes it back.
            BillingError::Call(failure) => {
                if let Some(key) = key {
                    key::rest(&self.store, ctx, key).await;
                }
                Err(InviteError::Billing(failure))
            }
            // A refusal stands for every request under this invitation: no seat is held.
            BillingError::NoFreeSeat { limit } => {
                let refused = || InviteError::NoFreeSeat { limit };
                let ending = Ending::Refused(refused().into());
                self.withdraw(ctx, id, Withdrawal::Whatever, key, ending).await;
                Err(refused())
            }
            refusal => {
                self.withdraw(ctx, id, Withdrawal::Whatever, key, Ending::Free).await;
                Err(InviteError::SeatRefused(refusal))
            }
        }
    }

    /// Who has the address, if anyone: the membership is looked up in the transaction, behind the
    /// claim.
    async fn user_with(&self, email: &EmailAddress) -> Result<Option<users::Model>, StoreError> {
        self.store
            .system(&scopes::PEOPLE)
            .find::<users::Entity>()
            .filter(users::Column::Email.eq(email.as_str()))
            .one()
            .await
    }

    /// Commits the intent: the claim of the client's key, the invitation, and the check that takes
    /// it back should we die. A refusal takes the claim with it. `user` has the address.
    async fn begin_reservation(
        &self,
        ctx: &CallContext,
        inviter: Inviter,
        user: Option<UserId>,
        request: &InviteRequest,
    ) -> Result<Begun, InviteError> {
        let tx = self.store.write(ctx).await?;
        if let Some(key) = &request.key {
            match key::claim(&tx, key, self.settings.reservation_patience).await? {
                // One that was cut off has left an invitation to go on with, or none.
                Claim::New | Claim::Resume => {}
                Claim::Replay { status, body } => {
                    return Ok(Begun::Answered(Answer::Replayed { status, body }));
                }
                Claim::InFlight { retry_after } => {
                    return Err(InviteError::InFlight { retry_after });
                }
                Claim::Mismatch => return Err(InviteError::KeyReused),
            }
        }
        // After the claim: who has joined by now was invited by the first request.
        if let Some(user) = user {
            let membership = memberships::Column::UserId.eq(user.0);
            if tx.find::<memberships::Entity>().filter(membership).exists().await? {
                return Err(InviteError::AlreadyMember);
            }
        }
        let now = self.store.clock().now();
        let new = NewInvitation {
            id: InvitationId(self.store.ids().next()),
            tenant: inviter.tenant,
            email: request.email.clone(),
            role: request.role,
            invited_by: inviter.user,
            now,
            expires_at: now + self.settings.invitation_lifetime,
        };
        let id = if store::insert(&tx, &new).await? {
            new.id
        } else {
            let open = store::open_for(&tx, &new.email).await?;
            let reserving = open.filter(|row| row.status == StoredStatus::Reserving);
            let id = InvitationId(reserving.ok_or(InviteError::AlreadyInvited)?.id);
            store::try_again(&tx, id).await?;
            tx.cancel(&jobs::reservation_job(id)).await?;
            id
        };
        let due = now + self.settings.reservation_patience;
        let request_key = request.key.as_ref().map(|key| key.key.clone());
        let overdue = ReservationOverdue { invitation: id, request_key };
        tx.schedule(due, &jobs::reservation_job(id), &overdue).await?;
        tx.commit().await?;
        Ok(Begun::Reserving(id))
    }

    /// Commits the result: the invitation can be accepted, the mail goes out, and the client's key
    /// is answered.
    async fn confirm(
        &self,
        ctx: &CallContext,
        inviter: Inviter,
        id: InvitationId,
        request: &InviteRequest,
    ) -> Result<invitations::Model, InviteError> {
        let role = request.role;
        let (token, token_hash) = OneTimeToken::generate();
        let sealed_token = self.sealer.seal(token.expose(), InvitationCreated::TYPE)?;
        let tx = self.store.write(ctx).await?;
        if let Some(key) = &request.key {
            key::hold(&tx, &key.key).await?;
        }
        let now = self.store.clock().now();
        let expires_at = now + self.settings.invitation_lifetime;
        let found = store::find(&tx, id).await?;
        let pending = found.and_then(|row| {
            let pending = Status::from(row.status).after(Step::SeatReserved)?;
            Some(store::moved(row, pending, now))
        });
        let Some(mut pending) = pending else {
            return Err(self.came_too_late(tx, id, request.key.as_ref()).await?);
        };
        pending.role = Set(role.into());
        pending.invited_by = Set(inviter.user.0);
        pending.token_hash = Set(Some(token_hash));
        pending.expires_at = Set(expires_at.into());
        let invitation = tx.update(pending).await?;
        let tenant = tx.find::<tenants::Entity>().one().await?;
        let created = InvitationCreated {
            invitation: id,
            tenant_name: tenant.map(|tenant| tenant.name).unwrap_or_default(),
            email: invitation.email.clone(),
            role,
            sealed_token,
            expires_at,
        };
        tx.publish(&created).await?;
        tx.cancel(&jobs::reservation_job(id)).await?;
        tx.schedule(expires_at, &jobs::expiry_job(id), &InvitationExpired { invitation: id })
            .await?;
        let line =
            audit::Line { actor: Some(inviter.user), action: Action::Invited, subject: Some(id.0) };
        audit::write(&tx, line).await?;
        if let Some(key) = &request.key {
            key::answer(&tx, key, &invitation).await?;
        }
        tx.commit().await?;
        Ok(invitation)
    }

    /// The seat is reserved and the invitation no longer waits for it: another request has
    /// confirmed it, or it was taken back, and then the seat must not stay.
    async fn came_too_late(
        &self,
        tx: TenantTx,
        id: InvitationId,
        key: Option<&RequestKey>,
    ) -> Result<InviteError, StoreError> {
        if let Some(key) = key {
            key::free(&tx, &key.key).await?;
        }
        let status = store::find(&tx, id).await?.map(|row| Status::from(row.status));
        if status.is_some_and(Status::holds_seat) {
            tx.commit().await?;
            return Ok(InviteError::AlreadyInvited);
        }
        jobs::release_seat(&self.store, &tx, id).await?;
        tx.commit().await?;
        Ok(InviteError::Billing(CallFailure::unavailable("billing")))
    }

    /// Takes an invitation back for which no seat is held, and ends its request. Where this fails,
    /// the check does it.
    async fn withdraw(
        &self,
        ctx: &CallContext,
        id: InvitationId,
        withdrawal: Withdrawal,
        key: Option<&RequestKey>,
        ending: Ending,
    ) {
        let withdraw = || async {
            let tx = self.store.write(ctx).await?;
            match (key, &ending) {
                (None, _) => {}
                (Some(key), Ending::Free) => key::free(&tx, &key.key).await?,
                (Some(key), Ending::Refused(problem)) => key::refuse(&tx, key, problem).await?,
            }
            if store::withdraw(&tx, id, withdrawal).await? {
                tx.cancel(&jobs::reservation_job(id)).await?;
            }
            tx.commit().await
        };
        if let Err(error) = storage::retrying(withdraw).await {
            tracing::warn!(
                invitation.id = %id,
                error = &error as &dyn std::error::Error,
                "an invitation without a seat is left to its check"
            );
        }
    }
}

//! `/v1/auth/invitations`.

use actix_web::{
    HttpRequest, HttpResponse, Responder, delete, get, post,
    web::{Data, Json},
};
use kernel::{InvitationId, Page, PageRequest, Role, Secret, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{
    ApiJson, ApiPath, ApiQuery, BodyHash, Caller, OptionalRequestKey, Problem, Replayed,
    StandardErrors, Visitor,
    limits::{Limited, Token},
};

use super::{
    accept::{Acceptance, Accepted, Joined},
    domain::Status,
    invite::{Answer, InviteRequest, Inviter},
    store::invitations,
};
use crate::{input::Fields, people::EmailAddress, service::AuthService};

/// Somebody is asked in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InviteCommand {
    /// Where the mail goes.
    #[schema(format = Email, max_length = 254, example = "grace@example.com")]
    email: String,
    /// What they will be; not above the inviter's own role.
    role: Role,
}

/// Takes an invitation up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptCommand {
    /// The `token` of the link in the mail.
    token: Secret,
    /// Needed where the address has no verified account, and ignored otherwise.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Needed where the address has no verified account, and ignored otherwise.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 128)]
    password: Option<Secret>,
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// The invitation's id.
    id: InvitationId,
    /// Who was asked.
    email: String,
    /// What they will be.
    role: Role,
    /// Where it stands.
    status: InvitationStatus,
    /// When it stops being acceptable.
    expires_at: Timestamp,
    /// When it was made.
    created_at: Timestamp,
}

/// Where an invitation stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InvitationStatus {
    /// It was sent and can be accepted.
    Pending,
    /// They have joined.
    Accepted,
    /// It was taken back.
    Revoked,
    /// Nobody accepted it in time.
    Expired,
}

/// Where somebody belongs now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedInvitation {
    /// The tenant they have joined.
    tenant: AcceptedTenant,
    /// Themselves.
    user: AcceptedUser,
    /// What they may do there.
    role: Role,
}

/// A tenant that somebody has joined.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedTenant {
    /// The tenant's id.
    id: TenantId,
    /// The organisation's name.
    name: String,
}

/// A person who has joined a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedUser {
    /// The person's id.
    id: UserId,
}

/// Invites somebody.
///
/// For admins and owners; nobody gives a role above their own. The tenant's subscription must have
/// a free seat, or the answer is 403 `no-free-seat` with its `limit`. Where billing cannot be
/// reached it is 503, and there is no invitation; the same request may be sent again.
///
/// Who sends an `Idempotency-Key` and repeats the request under it is answered as the first time:
/// with that invitation, whatever has become of it, or with 403 `no-free-seat`. Any other failure
/// leaves the key free.
#[utoipa::path(
    tag = "auth",
    params(OptionalRequestKey),
    request_body = InviteCommand,
    responses((status = CREATED, body = Invitation), StandardErrors),
    security(("bearer" = []))
)]
#[post("/invitations")]
pub(crate) async fn invite(
    request: HttpRequest,
    caller: Caller,
    OptionalRequestKey(key): OptionalRequestKey,
    command: ApiJson<InviteCommand>,
    auth: Data<AuthService>,
) -> Result<HttpResponse, Problem> {
    caller.require(Role::Admin)?;
    let InviteCommand { email, role } = command.into_inner();
    let mut fields = Fields::default();
    let Some(email) = fields.take("email", EmailAddress::parse(&email)) else {
        return Err(fields.into_invalid().into());
    };
    let inviter = Inviter { user: caller.user(), tenant: caller.tenant(), role: caller.role() };
    Ok(match auth.invite(&caller, inviter, InviteRequest { email, role, key }).await? {
        Answer::Invited(row) => HttpResponse::Created().json(Invitation::seen_at(row, auth.now())),
        Answer::Replayed { status, body } => Replayed { status, body }.respond_to(&request),
    })
}

/// The tenant's invitations, newest first. For admins and owners.
#[utoipa::path(
    tag = "auth",
    params(PageRequest),
    responses((status = OK, body = Page<Invitation>), StandardErrors),
    security(("bearer" = []))
)]
#[get("/invitations")]
pub(crate) async fn list_invitations(
    caller: Caller,
    request: ApiQuery<PageRequest>,
    auth: Data<AuthService>,
) -> Result<Json<Page<Invitation>>, Problem> {
    caller.require(Role::Admin)?;
    let page = auth.invitations(&caller, &request).await?;
    let now = auth.now();
    Ok(Json(page.map(|row| Invitation::seen_at(row, now))))
}

/// Takes an invitation back, and its seat. For admins and owners.
///
/// One that is over already stays as it is; one that was accepted is 409 `invitation-accepted`.
#[utoipa::path(
    tag = "auth",
    params(("id" = InvitationId, Path)),
    responses((status = NO_CONTENT, description = "The invitation is over"), StandardErrors),
    security(("bearer" = []))
)]
#[delete("/invitations/{id}")]
pub(crate) async fn revoke_invitation(
    caller: Caller,
    id: ApiPath<InvitationId>,
    auth: Data<AuthService>,
) -> Result<HttpResponse, Problem> {
    caller.require(Role::Admin)?;
    auth.revoke(&caller, caller.user(), *id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Accepts an invitation.
///
/// Who has a verified account under the invited address joins with it. Anybody else gives a name
/// and a password, or is told 422 `invalid-body`. A token that is unknown, used, revoked or
/// expired is 400 `invalid-token`. The very same request is answered again for 24 hours, as after
/// a lost answer.
#[utoipa::path(tag = "auth", request_body = AcceptCommand, responses((status = OK, body = AcceptedInvitation), StandardErrors))]
#[post("/invitations/accept")]
pub(crate) async fn accept_invitation(
    _within: Limited<Token>,
    request: HttpRequest,
    visitor: Visitor,
    body_hash: BodyHash,
    command: ApiJson<AcceptCommand>,
    auth: Data<AuthService>,
) -> Result<HttpResponse, Problem> {
    let AcceptCommand { token, name, password } = command.into_inner();
    let body_hash = body_hash.to_string();
    let acceptance = Acceptance { token, name, password, body_hash };
    Ok(match auth.accept(&visitor, acceptance).await? {
        Accepted::Joined(joined) => HttpResponse::Ok().json(AcceptedInvitation::from(&joined)),
        Accepted::Replayed { status, body } => Replayed { status, body }.respond_to(&request),
    })
}

impl From<&Joined> for AcceptedInvitation {
    fn from(joined: &Joined) -> Self {
        Self {
            tenant: AcceptedTenant { id: joined.tenant, name: joined.tenant_name.clone() },
            user: AcceptedUser { id: joined.user },
            role: joined.role,
        }
    }
}

impl Invitation {
    pub(super) fn seen_at(row: invitations::Model, now: Timestamp) -> Self {
        let expires_at = Timestamp::from(row.expires_at);
        let status = match Status::from(row.status).seen_at(now, expires_at) {
            // A page holds none that is being reserved, and a new one is pending.
            Status::Reserving | Status::Pending => InvitationStatus::Pending,
            Status::Accepted => InvitationStatus::Accepted,
            Status::Revoked => InvitationStatus::Revoked,
            Status::Expired => InvitationStatus::Expired,
        };
        Self {
            id: InvitationId(row.id),
            email: row.email,
            role: row.role.into(),
            status,
            expires_at,
            created_at: Timestamp::from(row.created_at),
        }
    }
}

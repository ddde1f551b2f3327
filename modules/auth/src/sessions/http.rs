//! `POST /v1/auth/login`, `/refresh` and `/logout`, and `GET /v1/auth/me`.

use actix_web::{
    HttpResponse, get,
    http::header::{CACHE_CONTROL, PRAGMA},
    post,
    web::{Data, Json},
};
use kernel::{Role, Secret, TenantId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{
    ApiJson, Caller, Problem, StandardErrors, Visitor,
    limits::{Guessable, Limited, Token},
};

use super::{
    profile::{Place, Profile},
    service::{Credentials, TokenPair},
};
use crate::service::AuthService;

/// What somebody logs in with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginCommand {
    /// The address they registered.
    #[schema(example = "ada@example.com")]
    email: String,
    /// Their password.
    password: Secret,
    /// The tenant to act in; the one they have belonged to for longest where it is left out.
    #[serde(default)]
    tenant: Option<TenantId>,
}

/// Carries a refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshCommand {
    /// The newest refresh token of the session.
    refresh_token: Secret,
}

/// Tokens, as RFC 6749 §5.1 writes them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenResponse {
    /// Goes into `Authorization: Bearer …`.
    access_token: Secret,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds for which the access token is good.
    expires_in: u64,
    /// Good for one call of `/v1/auth/refresh`.
    refresh_token: Secret,
}

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeResponse {
    /// The person.
    user: MeUser,
    /// The tenant they act in.
    tenant: MeTenant,
    /// What they may do there.
    role: Role,
    /// All of their tenants, in the order in which they joined.
    tenants: Vec<MeMembership>,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeUser {
    /// The person's id.
    id: UserId,
    /// Their verified address.
    email: String,
    /// Their name.
    name: String,
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeTenant {
    /// The tenant's id.
    id: TenantId,
    /// The organisation's name.
    name: String,
}

/// A tenant that one may log in to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeMembership {
    /// The tenant's id: `tenant` of a login.
    id: TenantId,
    /// The organisation's name.
    name: String,
    /// What one may do there.
    role: Role,
}

/// Logs in.
///
/// A wrong password and an unknown address are both 401 `invalid-credentials`. Only who knows the
/// password is told 403 `email-not-verified`, or 404 `unknown-tenant` for a tenant that is not
/// theirs.
#[utoipa::path(tag = "auth", request_body = LoginCommand, responses((status = OK, body = TokenResponse), StandardErrors))]
#[post("/login")]
pub(crate) async fn login(
    _within: Limited<Guessable>,
    _visitor: Visitor,
    command: ApiJson<LoginCommand>,
    auth: Data<AuthService>,
) -> Result<HttpResponse, Problem> {
    let LoginCommand { email, password, tenant } = command.into_inner();
    let pair = auth.log_in(Credentials { email, password, tenant }).await?;
    Ok(token_response(pair, &auth))
}

/// Continues a session.
///
/// Each refresh token is exchanged once, for the next. Sent again within 10 seconds, as after a
/// lost answer, it brings the same successor, unless that was used; any other use of it ends the
/// session, and its holder logs in anew. All refusals are 401 `invalid-refresh-token`.
#[utoipa::path(tag = "auth", request_body = RefreshCommand, responses((status = OK, body = TokenResponse), StandardErrors))]
#[post("/refresh")]
pub(crate) async fn refresh(
    _within: Limited<Token>,
    _visitor: Visitor,
    command: ApiJson<RefreshCommand>,
    auth: Data<AuthService>,
) -> Result<HttpResponse, Problem> {
    let pair = auth.refresh(&command.into_inner().refresh_token).await?;
    Ok(token_response(pair, &auth))
}

/// Ends a session.
///
/// The answer is the same for a token that is not valid. The access token stays good until it
/// expires.
#[utoipa::path(
    tag = "auth",
    request_body = RefreshCommand,
    responses((status = NO_CONTENT, description = "The session is over"), StandardErrors)
)]
#[post("/logout")]
pub(crate) async fn logout(
    _within: Limited<Token>,
    _visitor: Visitor,
    command: ApiJson<RefreshCommand>,
    auth: Data<AuthService>,
) -> Result<HttpResponse, Problem> {
    auth.log_out(&command.into_inner().refresh_token).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who the caller is.
#[utoipa::path(
    tag = "auth",
    responses((status = OK, body = MeResponse), StandardErrors),
    security(("bearer" = []))
)]
#[get("/me")]
pub(crate) async fn me(
    caller: Caller,
    auth: Data<AuthService>,
) -> Result<Json<MeResponse>, Problem> {
    let profile = auth.profile(caller.user(), caller.tenant()).await?;
    // The token outlives a membership that is taken away.
    profile.map(|profile| Json(profile.into())).ok_or_else(Problem::forbidden)
}

/// Tokens are kept by nobody on the way (RFC 6749 §5.1).
fn token_response(pair: TokenPair, auth: &AuthService) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((PRAGMA, "no-cache"))
        .json(TokenResponse {
            access_token: pair.access_token,
            token_type: "Bearer",
            expires_in: auth.access_tokens.lifetime().as_secs(),
            refresh_token: pair.refresh_token,
        })
}

impl From<Profile> for MeResponse {
    fn from(profile: Profile) -> Self {
        let Place { tenant, name, role } = profile.current;
        Self {
            user: MeUser {
                id: UserId(profile.user.id),
                email: profile.user.email,
                name: profile.user.name,
            },
            tenant: MeTenant { id: tenant, name },
            role,
            tenants: profile
                .all
                .into_iter()
                .map(|Place { tenant, name, role }| MeMembership { id: tenant, name, role })
                .collect(),
        }
    }
}

//! Who sends a request.

use std::{
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{
        StatusCode,
        header::{ACCEPT_LANGUAGE, AUTHORIZATION},
    },
    web::Data,
};
use futures_util::future::LocalBoxFuture;
use kernel::{CallContext, Locale, Principal, Role, TenantId, UserId};
use seam::async_trait;
use tokens::AccessClaims;

use crate::{Edge, Problem, limits::LimitClass, observe::Arrival};

/// Verifies access tokens. In auth's own program with the keys at hand, elsewhere with a cached
/// copy of them.
#[async_trait]
pub trait AccessVerifier: Send + Sync + 'static {
    /// Says whom `token` was issued to.
    ///
    /// # Errors
    /// Why the token does not hold, or that nobody can tell.
    async fn verify(&self, token: &str) -> Result<AccessClaims, AccessRefusal>;
}

/// Why an access token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessRefusal {
    /// It is malformed, forged, or was not issued for us.
    #[error("the access token is not valid")]
    Invalid,
    /// It was valid once.
    #[error("the access token has expired")]
    Expired,
    /// The keys to verify it with could not be had.
    #[error("the keys that verify access tokens are not available")]
    KeysUnavailable,
}

impl From<AccessRefusal> for Problem {
    fn from(refusal: AccessRefusal) -> Self {
        match refusal {
            AccessRefusal::Invalid => {
                Self::token_refused("token-invalid", "The access token is not valid")
            }
            AccessRefusal::Expired => {
                Self::token_refused("token-expired", "The access token has expired")
            }
            AccessRefusal::KeysUnavailable => Self::from_status(StatusCode::SERVICE_UNAVAILABLE)
                .detail("Access tokens cannot be verified now.")
                .retry_after(std::time::Duration::from_secs(2))
                .caused_by(refusal),
        }
    }
}

/// A person who has proved who they are, and the context of what they ask for.
///
/// As an extractor it answers 401 `unauthenticated`, `token-invalid` or `token-expired`, and 429
/// `rate-limited` where the tenant sends too much.
#[derive(Clone, Debug)]
pub struct Caller {
    context: CallContext,
    claims: AccessClaims,
}

impl Caller {
    /// The person.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.claims.user
    }

    /// The tenant they act in.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.claims.tenant
    }

    /// What they may do there.
    #[must_use]
    pub fn role(&self) -> Role {
        self.claims.role
    }

    /// Goes on only where the caller has `role` or a later one.
    ///
    /// # Errors
    /// 403 `forbidden`, which names the role that is needed.
    pub fn require(&self, role: Role) -> Result<(), Problem> {
        if self.role() >= role {
            return Ok(());
        }
        Err(Problem::forbidden().with("required_role", role))
    }
}

impl Deref for Caller {
    type Target = CallContext;

    fn deref(&self) -> &CallContext {
        &self.context
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let edge = edge(&request)?;
            let claims = edge.verifier.verify(bearer(&request)?).await?;
            let AccessClaims { user, tenant, role } = claims;
            if let Some(verdict) = edge.limits.take(LimitClass::Tenant, tenant).await {
                verdict.apply(&request)?;
            }
            let context = context(&request, edge, Principal::User { user, tenant, role });
            Ok(Self { context, claims })
        })
    }
}

/// Somebody who need not prove who they are, and the context of what they ask for.
#[derive(Clone, Debug)]
pub struct Visitor(CallContext);

impl Deref for Visitor {
    type Target = CallContext;

    fn deref(&self) -> &CallContext {
        &self.0
    }
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(edge(request).map(|edge| Self(context(request, edge, Principal::Anonymous))))
    }
}

fn edge(request: &HttpRequest) -> Result<&Edge, Problem> {
    request.app_data::<Data<Edge>>().map(|edge| &***edge).ok_or_else(|| Problem::internal(NoEdge))
}

#[derive(Debug, thiserror::Error)]
#[error("the listener has no `Edge`: build it with `public_app`")]
struct NoEdge;

/// The time is counted from the arrival of the request, so that what the extractors took is not
/// given again.
fn context(request: &HttpRequest, edge: &Edge, principal: Principal) -> CallContext {
    let arrival = Arrival::of(request, edge);
    let allowed = edge.request_time.saturating_sub(arrival.at.elapsed());
    CallContext::new(principal, arrival.call_id, allowed)
        .with_trace(arrival.trace)
        .with_locale(locale(request))
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1). The scheme's case does not matter.
///
/// # Errors
/// 401: there is no token, or more than one.
pub fn bearer(request: &HttpRequest) -> Result<&str, Problem> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let Some(header) = headers.next() else { return Err(Problem::unauthenticated()) };
    let token = header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty());
    match (token, headers.next()) {
        (Some(token), None) => Ok(token),
        // Another scheme is no token at all; two tokens are not to be chosen from.
        (None, None) => Err(Problem::unauthenticated()),
        (_, Some(_)) => Err(AccessRefusal::Invalid.into()),
    }
}

/// The language that `Accept-Language` prefers (RFC 9110 §12.5.4); the first of equals.
pub(crate) fn locale(request: &HttpRequest) -> Locale {
    let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|header| header.to_str().ok());
    let mut best: Option<(&str, f32)> = None;
    for range in header.unwrap_or_default().split(',') {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let weight = match parameters.trim().strip_prefix("q=") {
            Some(weight) => weight.trim().parse().unwrap_or(0.0),
            None => 1.0_f32,
        };
        let tag = tag.trim();
        if !tag.is_empty() && tag != "*" && best.is_none_or(|(_, most)| weight > most) {
            best = Some((tag, weight));
        }
    }
    best.map_or_else(Locale::default, |(tag, _)| Locale::from(tag.to_owned()))
}

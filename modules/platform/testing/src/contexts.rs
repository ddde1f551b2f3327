use std::time::Duration;

use kernel::{CallContext, CallId, Principal, Role, TenantId, UserId};

/// How long a call of a test may take; more than any needs, and less than a suite is given.
const ALLOWED: Duration = Duration::from_secs(30);

/// A new call by a module called `test`, for `tenant`.
#[must_use]
pub fn tenant_context(tenant: TenantId) -> CallContext {
    CallContext::new(Principal::service_for("test", tenant), CallId::random(), ALLOWED)
}

/// A new call by a person, in one of their tenants.
#[must_use]
pub fn user_context(user: UserId, tenant: TenantId, role: Role) -> CallContext {
    CallContext::new(Principal::User { user, tenant, role }, CallId::random(), ALLOWED)
}

/// A new call by nobody in particular.
#[must_use]
pub fn anonymous_context() -> CallContext {
    CallContext::new(Principal::Anonymous, CallId::random(), ALLOWED)
}

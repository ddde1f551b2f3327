//! The contract suite of [`AuthApi`], run over every way to reach it and over what stands in for it
//! in the tests of its callers.

use std::time::Duration;

use kernel::{CallContext, CallId, Principal, Role, TenantId, UserId};
use seam::CallFailure;

use crate::{AuthApi, AuthError, ContactQuery};

/// How long a call may take; more than any needs.
const ALLOWED: Duration = Duration::from_secs(30);

/// A tenant that the auth under test knows. It knows another one, too.
#[derive(Clone, Debug)]
pub struct KnownTenant {
    /// The tenant.
    pub tenant: TenantId,
    /// The addresses of its members and what they may do, oldest first: an owner, an admin and a
    /// member at least.
    pub members: Vec<(String, Role)>,
}

/// Checks what [`AuthApi`] promises.
///
/// # Panics
/// On the first promise that is broken.
pub async fn auth_contract(auth: &dyn AuthApi, known: &KnownTenant) {
    check_anybody_may_have_the_public_keys(auth).await;
    check_contacts_are_the_members_of_the_tenant_oldest_first(auth, known).await;
    check_a_tenant_that_is_not_there_has_no_contacts(auth).await;
    check_contacts_are_for_services_at_work_for_a_tenant(auth, known.tenant).await;
    check_a_call_without_time_is_not_made(auth).await;
}

async fn check_anybody_may_have_the_public_keys(auth: &dyn AuthApi) {
    let nobody = context(Principal::Anonymous);
    let first = auth.signing_keys(&nobody).await.expect("keys");
    assert!(!first.keys.is_empty(), "there is a key");
    for key in &first.keys {
        assert!(key.get("kty").is_some() && key.get("d").is_none(), "the public part: {key}");
    }
    assert_eq!(auth.signing_keys(&context(Principal::service("billing"))).await, Ok(first));
}

async fn check_contacts_are_the_members_of_the_tenant_oldest_first(
    auth: &dyn AuthApi,
    known: &KnownTenant,
) {
    for at_least in [Role::Member, Role::Admin, Role::Owner] {
        let contacts = auth.contacts(&of_tenant(known.tenant), ContactQuery { at_least }).await;
        let contacts = contacts.expect("contacts");
        assert!(contacts.iter().all(|contact| contact.tenant == known.tenant), "{contacts:?}");
        let found: Vec<_> =
            contacts.into_iter().map(|contact| (contact.email, contact.role)).collect();
        let expected: Vec<_> =
            known.members.iter().filter(|(_, role)| *role >= at_least).cloned().collect();
        assert_eq!(found, expected, "at least {at_least:?}");
    }
}

async fn check_a_tenant_that_is_not_there_has_no_contacts(auth: &dyn AuthApi) {
    let ctx = of_tenant(TenantId(CallId::random().0));
    let contacts = auth.contacts(&ctx, ContactQuery { at_least: Role::Member }).await;
    assert_eq!(contacts, Ok(Vec::new()));
}

async fn check_contacts_are_for_services_at_work_for_a_tenant(
    auth: &dyn AuthApi,
    tenant: TenantId,
) {
    let user = UserId(CallId::random().0);
    for principal in [
        Principal::Anonymous,
        Principal::service("billing"),
        Principal::User { user, tenant, role: Role::Owner },
    ] {
        let query = ContactQuery { at_least: Role::Owner };
        let refused = auth.contacts(&context(principal.clone()), query).await;
        assert_eq!(refused, Err(AuthError::Forbidden), "{principal:?}");
    }
}

async fn check_a_call_without_time_is_not_made(auth: &dyn AuthApi) {
    let late = context(Principal::Anonymous).with_time(Duration::ZERO);
    let refused = auth.signing_keys(&late).await;
    assert_eq!(refused, Err(AuthError::Call(CallFailure::deadline_exceeded("auth"))));
}

/// A new call by a module at work for `tenant`.
fn of_tenant(tenant: TenantId) -> CallContext {
    context(Principal::service_for("contract", tenant))
}

fn context(principal: Principal) -> CallContext {
    CallContext::new(principal, CallId::random(), ALLOWED)
}

//! Reading: as a tenant, or as the system.

use kernel::TenantId;
use sea_orm::QueryFilter;

use crate::{
    DeclaredEntity, Outside, Query, Store, TenantEntity,
    query::{On, tenant_filter},
};

/// A purpose for which a module looks beyond one tenant: a login by address, a webhook, a relay, a
/// sweep. A module lists all of its own in one file, `scopes.rs`.
///
/// ```
/// /// The address is all that a login knows.
/// pub static LOGIN: storage::SystemScope =
///     storage::SystemScope { name: "login", why: "the tenant is known only after the login" };
/// ```
#[derive(Debug)]
pub struct SystemScope {
    /// Such as `login`; on PostgreSQL a policy will be named by it.
    pub name: &'static str,
    /// Why a tenant's scope does not do.
    pub why: &'static str,
}

/// Reads the rows of one tenant.
pub struct TenantReader<'a> {
    store: &'a Store,
    tenant: TenantId,
}

impl<'a> TenantReader<'a> {
    pub(crate) const fn new(store: &'a Store, tenant: TenantId) -> Self {
        Self { store, tenant }
    }

    /// Whose rows these are.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Starts a query over the tenant's rows of `E`.
    #[must_use]
    pub fn find<E: TenantEntity>(&self) -> Query<'a, E, Outside> {
        Query::new(On::Readers(self.store), E::find().filter(tenant_filter::<E>(self.tenant)))
    }
}

/// Reads the rows of all tenants and of none.
pub struct SystemReader<'a> {
    store: &'a Store,
}

impl<'a> SystemReader<'a> {
    pub(crate) fn new(store: &'a Store, scope: &'static SystemScope) -> Self {
        audit(store, scope, "read");
        Self { store }
    }

    pub(crate) const fn store(&self) -> &'a Store {
        self.store
    }

    /// Starts a query over all rows of `E`.
    #[must_use]
    pub fn find<E: DeclaredEntity>(&self) -> Query<'a, E, Outside> {
        Query::new(On::Readers(self.store), E::find())
    }
}

/// Leaves a trace of each use of a system scope.
pub(crate) fn audit(store: &Store, scope: &'static SystemScope, access: &'static str) {
    tracing::debug!(
        service.name = store.module(),
        scope.name = scope.name,
        scope.access = access,
        "a system scope was opened"
    );
}

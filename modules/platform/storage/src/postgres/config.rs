//! Where a module's schema is, and how it is connected to.

use std::{fmt, time::Duration};

use kernel::Secret;

/// A PostgreSQL database (15 or newer), as the store of one module needs to know it.
#[derive(Clone)]
pub struct PostgresConfig {
    /// `postgres://host:port/database`, with `?sslmode=…` where it is not the default; without
    /// user and password, which follow from the module.
    pub url: String,
    /// Of the role `<module>_app`; absent where the server asks for none.
    pub app_password: Option<Secret>,
    /// Of the role `<module>_system`; absent where the server asks for none.
    pub system_password: Option<Secret>,
    /// The most connections of the application role; at least 1.
    pub connections: u32,
    /// The most connections of the system role; at least 1.
    pub system_connections: u32,
    /// How long a call waits for a free connection before the store counts as busy: while more
    /// comes than is done, a twentieth of it.
    pub acquire_time: Duration,
    /// What is between.
    pub pooler: Pooler,
}

impl PostgresConfig {
    /// Ten connections for tenants and eight for the system, waited for a second, nothing between.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            app_password: None,
            system_password: None,
            connections: 10,
            system_connections: 8,
            acquire_time: Duration::from_secs(1),
            pooler: Pooler::None,
        }
    }
}

impl fmt::Debug for PostgresConfig {
    /// Shows of the address no more than where it leads to: somebody may have put a login into it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.url.rsplit_once('@').map_or(&*self.url, |(_, place)| place);
        f.debug_struct("PostgresConfig")
            .field("place", &place.split('?').next())
            .field("connections", &self.connections)
            .field("system_connections", &self.system_connections)
            .field("acquire_time", &self.acquire_time)
            .field("pooler", &self.pooler)
            .finish_non_exhaustive()
    }
}

/// What stands between a store and the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooler {
    /// Nothing, or a pooler that carries prepared statements (PgBouncer 1.21 and newer with
    /// `max_prepared_statements`): a read is one round trip.
    #[default]
    None,
    /// A pooler in transaction mode that does not: no statement is prepared ahead, and a read is
    /// a transaction, of four round trips.
    Transaction,
}

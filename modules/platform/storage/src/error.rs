//! What can go wrong with a store.

mod told;
mod unique_key;

use std::{io, path::PathBuf};

use sea_orm::DbErr;

pub use self::unique_key::UniqueKey;

/// Why a store did not do what it was asked to. Every variant names the module whose store it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A tenant's data was asked for in a context without a tenant.
    #[error("the call to {module} is for no tenant")]
    NoTenant {
        /// Whose store it is.
        module: &'static str,
    },
    /// A row of another tenant was to be written, or a row to be given to another tenant.
    #[error("{module} was asked to write a row of `{table}` for a foreign tenant")]
    ForeignTenant {
        /// Whose store it is.
        module: &'static str,
        /// The table.
        table: &'static str,
    },
    /// The row to change is not there, or is another tenant's.
    #[error("{module} has no such row in `{table}`")]
    NotFound {
        /// Whose store it is.
        module: &'static str,
        /// The table.
        table: &'static str,
    },
    /// Another row has the same key. Map it with [`StoreError::is_unique_on`].
    #[error("{module} already has a row with that key: {key}")]
    Unique {
        /// Whose store it is.
        module: &'static str,
        /// The key that two rows would share.
        key: UniqueKey,
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// The database could not see to it: no connection came free in time, the one in use was lost,
    /// a lock was not to be had, or the server takes no writes. Nothing was done.
    #[error("the store of {module} is busy")]
    Busy {
        /// Whose store it is.
        module: &'static str,
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// The database broke the transaction off for another's sake: a deadlock, or a serialization
    /// failure. Nothing was done; [`retrying`](crate::retrying) tries again.
    #[error("a transaction of {module} met another")]
    Conflict {
        /// Whose store it is.
        module: &'static str,
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// The commit brought no answer: the change is there or it is not.
    #[error("whether {module} has committed is unknown")]
    CommitUnknown {
        /// Whose store it is.
        module: &'static str,
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// An earlier statement of the transaction failed, or was dropped half-way. Both engines could
    /// only roll it back: PostgreSQL refuses what follows, SQLite may have rolled it back already.
    #[error(
        "an earlier statement of this transaction of {module} failed; it can only be rolled back"
    )]
    Aborted {
        /// Whose store it is.
        module: &'static str,
    },
    /// Another process has the store open. One file has one owner.
    #[error("{} of {module} is in use by another process", path.display())]
    Locked {
        /// Whose store it is.
        module: &'static str,
        /// The data file.
        path: PathBuf,
    },
    /// The file could not be opened.
    #[error("{} of {module} cannot be opened", path.display())]
    Open {
        /// Whose store it is.
        module: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The address of the database cannot be read.
    #[error("the PostgreSQL address of {module} is malformed")]
    Configuration {
        /// Whose store it is.
        module: &'static str,
        /// What does not fit.
        #[source]
        source: DbErr,
    },
    /// The database does not let the store in, or is not there.
    #[error("{}", advice(module, source))]
    Unreachable {
        /// Whose store it is.
        module: &'static str,
        /// What the database or the system said.
        #[source]
        source: DbErr,
    },
    /// The store would work as a role that row-level security does not bind.
    #[error(
        "the role `{role}` of {module} {why}; let `migrate up` create the roles, and give the \
         program their passwords"
    )]
    UnsafeRole {
        /// Whose store it is.
        module: &'static str,
        /// The role.
        role: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The schema lacks migrations that this build needs.
    #[error("the schema of {module} is behind this build: run `migrate up` (pending: {pending})")]
    Behind {
        /// Whose store it is.
        module: &'static str,
        /// The migrations' names.
        pending: String,
    },
    /// The module's data were moved to another database.
    #[error("the data of {module} are not here any more: {notice}")]
    Moved {
        /// Whose store it is.
        module: &'static str,
        /// Where they are and what to do, as whoever moved them wrote it.
        notice: String,
    },
    /// Somebody had a lock that a migration needs, for longer than it waits. The migrations before
    /// it stay.
    #[error("the migrations of {module} waited too long for a lock: {by}; run them again")]
    Blocked {
        /// Whose store it is.
        module: &'static str,
        /// Which table, and which session has it.
        by: String,
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// The schema could not be brought up to date; the store is as it was before.
    #[error("the migrations of {module} failed")]
    Migration {
        /// Whose store it is.
        module: &'static str,
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// A value could not be written as JSON, or a stored one not be read.
    #[error("{module} cannot store or read {what} as JSON")]
    Json {
        /// Whose store it is.
        module: &'static str,
        /// What it was.
        what: &'static str,
        /// What did not fit.
        #[source]
        source: serde_json::Error,
    },
    /// An event is longer than [`LARGEST_EVENT`](crate::LARGEST_EVENT): whoever consumes it can ask
    /// for what does not fit.
    #[error(
        "an event {event_type} of {module} has {bytes} bytes, and {} are the most",
        crate::LARGEST_EVENT
    )]
    EventTooLarge {
        /// Whose store it is.
        module: &'static str,
        /// The event's type.
        event_type: &'static str,
        /// The length of its envelope as JSON.
        bytes: usize,
    },
    /// Anything else that the database said.
    #[error("the database of {module} failed")]
    Database {
        /// Whose store it is.
        module: &'static str,
        /// What the database said.
        #[source]
        source: DbErr,
    },
}

impl StoreError {
    /// Whether two rows of `table` would have shared a unique key that `column` is part of. This is
    /// how a module's store turns a constraint into a refusal of its domain.
    #[must_use]
    pub fn is_unique_on(&self, table: &str, column: &str) -> bool {
        matches!(self, Self::Unique { key, .. } if key.is_on(table, column))
    }

    /// The reason that PostgreSQL gave, where it gave one: five characters, such as `42501`.
    #[must_use]
    pub fn sqlstate(&self) -> Option<String> {
        match self {
            Self::Unique { source, .. }
            | Self::Busy { source, .. }
            | Self::Conflict { source, .. }
            | Self::CommitUnknown { source, .. }
            | Self::Configuration { source, .. }
            | Self::Unreachable { source, .. }
            | Self::Blocked { source, .. }
            | Self::Migration { source, .. }
            | Self::Database { source, .. } => crate::postgres::sqlstate(source),
            _ => None,
        }
    }

    /// The module whose store it is.
    #[must_use]
    pub const fn module(&self) -> &'static str {
        match self {
            Self::NoTenant { module }
            | Self::ForeignTenant { module, .. }
            | Self::NotFound { module, .. }
            | Self::Unique { module, .. }
            | Self::Busy { module, .. }
            | Self::Conflict { module, .. }
            | Self::CommitUnknown { module, .. }
            | Self::Configuration { module, .. }
            | Self::Unreachable { module, .. }
            | Self::UnsafeRole { module, .. }
            | Self::Behind { module, .. }
            | Self::Moved { module, .. }
            | Self::Blocked { module, .. }
            | Self::Aborted { module }
            | Self::Locked { module, .. }
            | Self::Open { module, .. }
            | Self::Migration { module, .. }
            | Self::Json { module, .. }
            | Self::EventTooLarge { module, .. }
            | Self::Database { module, .. } => module,
        }
    }
}

/// What to look at where a database cannot be worked with.
fn advice(module: &str, source: &DbErr) -> String {
    // The classes and codes of PostgreSQL's documentation, appendix A.
    match crate::postgres::sqlstate(source).as_deref() {
        Some(code) if code.starts_with("28") => format!(
            "the database refuses the login of {module}: let `migrate up` create the roles and \
             set their passwords, and give the program the same passwords"
        ),
        Some("3D000") => format!(
            "the database of {module} is not on its server: create it, or correct the address"
        ),
        Some(_) => format!("the database of {module} cannot be worked with"),
        None => format!(
            "the database of {module} cannot be reached: see whether it runs, and correct the \
             address where it is another"
        ),
    }
}

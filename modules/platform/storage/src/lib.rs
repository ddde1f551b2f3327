//! Tenant-scoped storage.
//!
//! A module opens one [`Store`]. What it may do with it depends on how it asks:
//!
//! | opened with | sees | for |
//! |---|---|---|
//! | [`Store::read`], [`Store::write`] | the rows of the calling tenant | nearly everything |
//! | [`Store::once`] | the same, and records the call's outcome with its effect | writes of a port |
//! | [`Store::system`], [`Store::system_write`] | all rows | work named in a [`SystemScope`] |
//!
//! *Invariants*: no query of a tenant scope leaves out the tenant, whatever the caller filters by;
//! no connection is handed out; an entity that is declared neither [`tenant_entity!`] nor
//! [`global_entity!`] cannot be queried; every write transaction that is not committed is rolled
//! back, also where its future is dropped; an event and the change it tells of are one commit.
//!
//! What differs between the engines is in `sqlite.rs` and `postgres/`; `engine.rs` is where they
//! meet.

#[cfg(feature = "failpoints")]
mod apart;
mod beside;
mod engine;
mod entity;
mod error;
mod fault;
mod idempotency;
mod link;
mod metrics;
mod migrating;
mod migrations;
mod milestone;
mod news;
mod once;
mod outbox;
mod postgres;
mod publish;
mod query;
mod retry;
mod spans;
mod sqlite;
mod store;
mod system;
mod tenant;
mod transaction;
mod write;

pub mod access;
pub mod schema;
pub mod tables;

pub use engine::Engine;
pub use entity::{DeclaredEntity, GlobalEntity, TenantEntity};
pub use error::{StoreError, UniqueKey};
pub use fault::is_fault;
pub use idempotency::{Claim, KEY_LIFETIME};
pub use migrating::{Migrated, SchemaStatus, SqliteSchema};
pub use migrations::migrations;
pub use milestone::Milestone;
pub use news::News;
pub use once::{Once, OnceTx};
pub use outbox::{LANES, Promoted, lane_of};
pub use postgres::{Passwords, Pooler, PostgresConfig, PostgresSchema};
pub use publish::{LARGEST_EVENT, Scheduled};
pub use query::{DeleteMany, InTransaction, Outside, Query, UpdateMany};
pub use retry::retrying;
pub use store::{Store, StoreConfig, StoreParts};
pub use system::{InTenant, SystemReader, SystemScope, SystemTx};
pub use tenant::{TenantReader, TenantTx};

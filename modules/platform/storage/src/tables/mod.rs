//! The tables that every module's database has, for the crates that work on them through a
//! [`SystemScope`](crate::SystemScope). Modules use what [`TenantTx`](crate::TenantTx) offers.

pub mod call_records;
pub mod idempotency_keys;
pub mod inbox;
pub mod lanes;
pub mod outbox;
pub mod scheduled;

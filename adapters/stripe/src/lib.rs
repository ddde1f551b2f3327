//! Payments by Stripe (<https://docs.stripe.com/api>): customers, payment intents that are
//! confirmed at once, refunds, and the signatures of its webhooks.
//!
//! What its answers mean for the money is in `meaning.rs`, all in one table. What follows from
//! Stripe's idempotency keys, which are kept for a day and replay even its own failures, is in
//! `charges.rs` and in `docs/decisions/0011-stripe.md`.
//!
//! *Invariants*: an answer that leaves a doubt about the money is
//! [`GatewayError::Unknown`](billing_api::GatewayError::Unknown); nothing that Stripe's messages
//! say is repeated, because they may quote what is secret; no body of a webhook is looked at
//! before its signature fits.

mod api;
mod charges;
mod config;
mod customers;
mod errors;
mod form;
mod gateway;
mod meaning;
mod refunds;
mod webhooks;

pub use config::{StripeConfig, client};
pub use errors::{Refusal, StripeError};
pub use gateway::StripeGateway;
pub use webhooks::{NoSecret, StripeWebhooks};

/// The version of Stripe's API whose requests and answers this crate speaks, whatever the account's
/// own is: <https://docs.stripe.com/api/versioning>. Change it together with the types.
pub const API_VERSION: &str = "2026-10-28.endive";

/// What Stripe is called in what is stored.
const PROVIDER: &str = "stripe";

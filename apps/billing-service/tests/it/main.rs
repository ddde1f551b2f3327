//! Billing's wiring: what an operator may set, and the provider's webhooks in both shapes.

mod settings;
mod webhooks;

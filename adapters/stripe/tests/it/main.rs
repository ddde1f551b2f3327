//! The adapter against a mock server, Stripe's own library, and an independent stand-in for Stripe.

mod charges;
mod customers;
mod deadlines;
mod forgotten;
mod localstripe;
mod refunds;
mod requests;
mod support;
mod unclear;
mod webhooks;
mod witness;

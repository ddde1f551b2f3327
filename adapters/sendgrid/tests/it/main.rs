//! The adapter against a SendGrid that is played: its answers one by one, a stateful one under the
//! port's contract suite, and the owner's library as witness of what is sent.

mod contract;
mod provider;
mod statuses;
mod trouble;
mod witness;

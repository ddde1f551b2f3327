//! Signing up, and proving that the address is one's own.
//!
//! *Invariants*: a registration is answered alike and costs alike whether or not the address is
//! known. What was entered takes effect only through the link that was mailed for that very
//! registration, so that whoever registers somebody else's address first does not choose the
//! password that its owner then confirms.

mod domain;
pub(crate) mod http;
mod service;
mod store;

pub(crate) use domain::Registration;
pub(crate) use service::{RegisterError, VerifyError};
pub(crate) use store::{forget_attempts, verification_tokens};

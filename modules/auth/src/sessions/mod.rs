//! Logging in, staying logged in, and who one is.
//!
//! *Invariants*: a login at an unknown address does the same work as one with a wrong password. A
//! session is a family of refresh tokens of which the newest counts; the use of an older one ends
//! the family (RFC 9700 §4.14.2).

mod domain;
pub(crate) mod http;
mod profile;
mod service;
mod store;

pub(crate) use service::{LoginError, RefreshError};
pub(crate) use store::{Outcome, refresh_tokens, sessions, sign_ins};

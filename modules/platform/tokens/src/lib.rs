//! Signing keys, signed tokens and sealed secrets.
//!
//! Two kinds of signed token, neither of which is ever taken for the other: *access tokens* that
//! an end user's client sends to the public API (RFC 9068), and *hop tokens* that one of our
//! programs sends to another, with the end user inside the signature (RFC 8693 `act`).
//!
//! *Invariants*: one algorithm, Ed25519 (RFC 8037); no token, key or plaintext in a `Debug`, a log
//! or an error; files lie where the caller says.

mod access;
mod hop;
mod jwt;
mod key;
mod one_time;
mod private_file;
mod seal;
mod trust;
mod verified;

pub use access::{AccessClaims, AccessKeys, AccessTokens};
pub use hop::{Caller, HopSigner, HopVerifier};
pub use jwt::{LEEWAY, TokenError};
pub use key::{KeyError, PublicKey, SigningKey};
pub use one_time::{OneTimeToken, hash_token};
pub use seal::{SealError, Sealer};
pub use trust::{TrustStore, publish_key};

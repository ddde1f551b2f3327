//! Rate limits: how many requests somebody may send, and who somebody is.
//!
//! A handler that anonymous clients may call and that costs us or can be guessed against takes
//! [`Limited`] as its first extractor; a handler with a [`crate::Caller`] is limited by tenant
//! without saying so. Both take from [`Limits`], which asks the store that all replicas share and,
//! where that cannot be reached, the one in this process.
//!
//! *Invariants*: a store that is down turns nobody away; a limit is applied where the handler runs
//! and never on the way to it; an address is believed only from a proxy that was named.

mod address;
mod extract;
mod figures;
mod gcra;
mod headers;
mod in_process;
mod limiter;
mod rules;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use address::{Network, NetworkError, TrustedProxies};
pub use extract::{Costly, Guessable, Limited, LimitedByAddress, Token};
pub use figures::{ClassFigures, LimitFigures, StoreState};
pub use gcra::{Quota, QuotaError};
pub use in_process::InProcessLimits;
pub use limiter::Limits;
pub use rules::{LimitClass, LimitRules};
pub use store::{Decision, RateLimitStore, StoreUnreachable};

pub(crate) use headers::write;

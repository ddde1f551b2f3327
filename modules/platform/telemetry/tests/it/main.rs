//! The layer, as programs use it.

mod contract;
mod errors;
mod panics;
mod traces;

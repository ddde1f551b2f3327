//! The layer, as programs use it.

mod errors;
mod panics;
mod traces;

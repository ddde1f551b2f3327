//! The layer, as programs use it.

mod traces;

//! The campaign and its checker, against real programs.

mod broken;
mod short;

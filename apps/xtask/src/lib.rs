//! The team's commands (`cargo xtask …`).

pub mod check;
pub mod console;
pub mod contracts;
pub mod files;
pub mod steps;
pub mod tools;
pub mod workspace;

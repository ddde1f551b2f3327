//! The program with all of its modules, as operators see it.

mod operators;
mod settings;

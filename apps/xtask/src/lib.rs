//! The team's commands (`cargo xtask …`), and as a library what the journey suite needs of them:
//! [`shapes`] builds, starts, kills and stops the programs of a shape, [`extraction`] moves a
//! module's data, [`services`] starts the engines that it runs on, [`graph`] tells what is linked into a
//! program, and [`observability`] what dashboards and rules ask for.
//!
//! *Invariants*: nothing here is linked into a program that runs in production; every command
//! works from a fresh checkout, and says what to install where it needs something.

pub mod advise;
pub mod bench;
pub mod chaos;
pub mod check;
pub mod console;
pub mod contracts;
pub mod extraction;
pub mod files;
pub mod graph;
pub mod load;
pub mod new_module;
pub mod observability;
pub mod services;
mod settings;
pub mod shapes;
pub mod steps;
pub mod test_run;
pub mod tools;
pub mod up;
pub mod workspace;

//! Load from journeys that are written as code, with open arrivals.
//!
//! A journey arrives at its time whether or not earlier ones were answered, and every latency
//! counts from the instant at which its request was meant to start. See decision 0016 for why.
//!
//! A team's own scenario is a file in `scenarios/` that implements [`scenario::Scenario`], and a
//! line in [`scenarios::all`]; the smallest to learn from is `one_read.rs`, and `usage.rs` for one
//! that changes something. [`people::seed`] makes who acts in it, and [`run::run`] runs it.

mod alarm;
pub mod arrivals;
pub mod client;
pub mod ledger;
pub mod people;
pub mod recorder;
pub mod run;
pub mod scenario;
pub mod scenarios;
pub mod summary;
pub mod sweep;

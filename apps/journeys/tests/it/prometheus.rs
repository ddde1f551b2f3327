//! Every query of every dashboard and rule, asked of a Prometheus that watches running programs: each
//! has an answer, and shows under load and in trouble what it did not show before.

mod judgement;
mod load;
mod postgres;
mod questions;
mod trouble;
mod watch;

/// The product's modules.
const MODULES: [&str; 3] = ["auth", "billing", "notifications"];

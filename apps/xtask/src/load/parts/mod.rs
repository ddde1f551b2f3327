//! What is run, part by part.

mod baseline;
mod database;
mod knee;
mod prediction;
mod replicas;
mod starts;
mod telemetry;
mod turns;

pub(super) use knee::{Limits, ROUGHLY};

//! The journeys, in every shape.

mod bad_input;
mod calls;
mod collector;
mod deploy;
mod extraction;
mod graph;
mod idempotency;
mod isolation;
mod journey;
mod limits;
mod localstripe;
mod logs;
mod metrics;
mod outages;
mod prometheus;
mod readme;
mod replicas;
mod shape;
mod team;
mod traces;
mod usage;

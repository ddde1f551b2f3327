//! The journeys, in every shape.

mod advice;
mod bad_input;
mod browser;
mod calls;
mod collector;
mod deploy;
mod errors;
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

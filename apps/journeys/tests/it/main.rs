//! The journeys, in every shape.

mod bad_input;
mod extraction;
mod graph;
mod journey;
mod localstripe;
mod readme;
mod shape;
mod team;
mod usage;

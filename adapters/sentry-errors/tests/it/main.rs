//! The adapter against a tracker that speaks the protocol, and against those that do not.

mod contract;
mod limits;
mod reports;
mod support;
mod trouble;

//! How each engine is prepared and started.

pub(super) mod pgbouncer;
pub(super) mod postgres;
pub(super) mod rabbitmq;
pub(super) mod redis;

use std::process::Command;

use super::spec::Part;

/// An engine of one process.
fn alone(command: Command) -> Vec<Part> {
    vec![Part { command, is_main: true }]
}

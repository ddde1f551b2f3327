//! Requests that end with an error of ours.

use std::error::Error;

use storage::is_fault;
use telemetry::errors::{Fingerprint, Panic, unexpected_at};

use crate::Problem;

/// What the log names of a fault.
pub(crate) struct Told {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) place: String,
}

/// Tells the fault that a request to `module` ended with, where `problem` is one. What is shed, refused or
/// took too long is none, and so is what another module owes: that tells it itself.
pub(crate) fn tell(
    module: &'static str,
    method: &'static str,
    route: Option<&str>,
    problem: &Problem,
) -> Option<Told> {
    if !["internal", "incompatible"].contains(&problem.slug())
        || !problem.status().is_server_error()
    {
        return None;
    }
    let error: &(dyn Error + 'static) = problem.source().unwrap_or(problem);
    if !is_fault(error) {
        return None;
    }
    let place = match (Panic::within(error), route) {
        (Some(panic), _) => panic.place().to_owned(),
        (None, Some(route)) => format!("{method} {route}"),
        (None, None) => method.to_owned(),
    };
    Some(Told { fingerprint: unexpected_at(module, place.as_str(), error), place })
}

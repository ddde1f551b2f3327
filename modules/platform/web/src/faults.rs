//! Requests that end with an error of ours.

use std::error::Error;

use storage::is_fault;
use telemetry::errors::{Fingerprint, HOST, Panic, unexpected_at};

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

/// The module of `owners` that answers at `path`; the longest prefix counts.
pub(crate) fn owner_of(owners: &[(&'static str, &'static str)], path: &str) -> &'static str {
    let is_below = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let fitting = owners.iter().filter(|(prefix, _)| is_below(prefix));
    fitting.max_by_key(|(prefix, _)| prefix.len()).map_or(HOST, |(_, module)| *module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_module_that_answers_there() {
        let owners = [("/v1/billing", "billing"), ("/v1/billing/labs", "labs")];
        for (path, module) in [
            ("/v1/billing", "billing"),
            ("/v1/billing/plans", "billing"),
            ("/v1/billing/labs/1", "labs"),
            ("/v1/billings", HOST),
            ("/openapi.json", HOST),
        ] {
            assert_eq!(owner_of(&owners, path), module, "{path}");
        }
    }
}

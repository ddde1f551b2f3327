//! What is linked into a program, from the dependency graph of the features as built.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::{steps, workspace::Workspace};

/// The crates that are linked into `program` where it is built with `features` and without its
/// default ones, or that run to build it; by name, itself included.
///
/// # Errors
/// Cargo knows no such program or feature.
pub fn linked(program: &str, features: &[&str]) -> Result<BTreeSet<String>> {
    linked_in(&Workspace::find()?, program, features)
}

pub(crate) fn linked_in(
    workspace: &Workspace,
    program: &str,
    features: &[&str],
) -> Result<BTreeSet<String>> {
    let mut command = workspace.cargo(&["tree", "--package", program, "--no-default-features"]);
    command.args(["--features", &features.join(","), "--edges", "normal,build"]);
    command.args(["--prefix", "none", "--format", "{p}"]);
    let tree = steps::output(&mut command)?;
    let names: BTreeSet<String> =
        tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    if !names.contains(program) {
        bail!("cargo's tree of {program} does not begin with it");
    }
    Ok(names)
}

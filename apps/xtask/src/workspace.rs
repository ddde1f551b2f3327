//! Where things are, and what the product is made of.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::steps;

/// The program that holds every module; its features are the modules' names.
pub const MONOLITH: &str = "monolith";

/// The workspace that the command was called in.
#[derive(Clone, Debug, Deserialize)]
pub struct Workspace {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Package>,
}

/// A crate of the workspace, as its manifest has it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) dependencies: Vec<Declared>,
}

/// A dependency that a manifest declares.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Declared {
    pub(crate) name: String,
    /// `dev`, `build`, or nothing.
    pub(crate) kind: Option<String>,
}

impl Workspace {
    /// Asks cargo, so that `CARGO_TARGET_DIR` and cargo's configuration are honoured.
    ///
    /// # Errors
    /// The current folder is in no workspace.
    pub fn find() -> Result<Self> {
        Self::at(&env::current_dir().context("asking for the current folder")?)
    }

    /// The workspace that `folder` is in, which need not be the one of this program.
    ///
    /// # Errors
    /// There is none.
    pub fn at(folder: &Path) -> Result<Self> {
        // Four fields of the answer are wanted. A crate that reads all of it would bring features
        // of its own into serde_json, and every program would be compiled twice.
        let mut command = cargo(folder, &["metadata", "--no-deps", "--format-version", "1"]);
        let answer = steps::output(&mut command)?;
        serde_json::from_str(&answer).context("reading what cargo says of the workspace")
    }

    /// The folder of the root manifest.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.workspace_root
    }

    /// Where cargo builds.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target_directory
    }

    /// The workspace's own crates.
    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The modules that the monolith can hold, by the names of their crates.
    ///
    /// # Errors
    /// There is no monolith.
    pub fn modules(&self) -> Result<BTreeSet<String>> {
        let monolith = self.packages.iter().find(|package| package.name == MONOLITH);
        let Some(monolith) = monolith else { bail!("there is no crate `{MONOLITH}`") };
        // Each of them brings the module's program in; other features of the monolith do not.
        let brings_one = |enabled: &[String]| enabled.iter().any(|name| name.starts_with("dep:"));
        let modules = monolith.features.iter().filter(|(_, enabled)| brings_one(enabled));
        Ok(modules.map(|(name, _)| name.clone()).collect())
    }

    /// The crate of the module that a person calls `name`; `time_sheets` is `time-sheets`.
    ///
    /// # Errors
    /// There is no such module; the message lists those that there are.
    pub fn module(&self, name: &str) -> Result<String> {
        let modules = self.modules()?;
        let name = name.replace('_', "-");
        if !modules.contains(&name) {
            let known: Vec<&str> = modules.iter().map(String::as_str).collect();
            bail!("there is no module `{name}`; there are {}", known.join(", "));
        }
        Ok(name)
    }

    /// The same workspace, built in another folder.
    #[must_use]
    pub fn building_in(self, target: &Path) -> Self {
        Self { target_directory: target.to_owned(), ..self }
    }

    /// Cargo, in the workspace's root.
    #[must_use]
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(self.root(), arguments);
        command.env("CARGO_TARGET_DIR", self.target());
        command
    }
}

fn cargo(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder).args(arguments);
    // What cargo told this program about itself is not for the cargo below it: build scripts that
    // watch these variables, as ring's does, would run anew at each turn.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(belongs_to_the_outer_cargo) {
            command.env_remove(name);
        }
    }
    command
}

fn belongs_to_the_outer_cargo(name: &str) -> bool {
    const PREFIXES: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "NEXTEST"];
    const NAMES: [&str; 4] = ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR", "TARGET"];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}

/// A module's name in configuration, file names and events: that of its crate, in snake case.
#[must_use]
pub fn module_name(crate_name: &str) -> String {
    crate_name.replace('-', "_")
}

/// The program that holds one module alone.
#[must_use]
pub fn service_name(crate_name: &str) -> String {
    format!("{crate_name}-service")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_set_stays() {
        assert!(belongs_to_the_outer_cargo("CARGO_PKG_NAME"));
        assert!(belongs_to_the_outer_cargo("CARGO_MANIFEST_DIR"));
        for kept in ["CARGO_TARGET_DIR", "CARGO_HOME", "CARGO", "RUSTFLAGS", "PATH"] {
            assert!(!belongs_to_the_outer_cargo(kept), "{kept}");
        }
    }

    #[test]
    fn the_workspace_knows_its_modules() {
        let modules = Workspace::find().and_then(|workspace| workspace.modules());
        let modules = modules.expect("the tests run in the workspace");
        assert!(modules.contains("billing") && modules.contains("auth"), "{modules:?}");
        assert!(!modules.contains("default") && !modules.contains("failpoints"), "{modules:?}");
    }

    #[test]
    fn a_module_that_does_not_exist_is_named_with_those_that_do() {
        let workspace = Workspace::find().expect("the tests run in the workspace");
        assert_eq!(workspace.module("billing").expect("it exists"), "billing");
        let error = workspace.module("biling").expect_err("a slip").to_string();
        assert!(error.starts_with("there is no module `biling`; there are auth, "), "{error}");
    }
}

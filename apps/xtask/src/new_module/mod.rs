//! `cargo xtask new-module projects`: a module as this house builds them, wired in, with tests. It
//! passes `check` and `test` as it stands.

mod names;
pub(crate) mod proof;
mod templates;
mod wiring;

use std::{collections::BTreeSet, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use toml::Table;

use crate::{
    console::say,
    files,
    steps::{self, Steps},
    tools::Install,
    workspace::Workspace,
};

pub(crate) use names::Names;
use templates::TEMPLATES;

/// What `new-module` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// What the module keeps, in the plural: `projects`, `time-sheets`.
    name: String,
    /// What one of them is called, where dropping the plural's `s` is not right: `--item person`.
    #[arg(long, value_name = "NAME")]
    item: Option<String>,
    /// Writes it into a throwaway copy instead, and runs its checks and tests there.
    #[arg(long)]
    prove: bool,
    #[command(flatten)]
    install: Install,
}

/// Writes the module and says what to do next.
///
/// # Errors
/// The name cannot be used, a file is there already, or a list has no place for one more.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    let names = Names::parse(&options.name, options.item.as_deref())?;
    if options.prove {
        let mut steps = Steps::default();
        proof::run(&mut steps, &workspace, names, options.install);
        return steps.finish();
    }
    write(&workspace, &names)?;
    let workspace = Workspace::at(workspace.root())?;
    format(&workspace, &names)?;
    say("generating the wire schema (this compiles the new contract)…");
    let xtask = &mut workspace.cargo(&["run", "--quiet", "--package", "xtask", "--"]);
    generate_contracts(xtask)?;
    say(names.fill(
        "\nThe module {{crate}} is there:\n    \
         modules/{{crate}}-api                the contract: what others see\n    \
         modules/{{crate}}                    the module\n    \
         migrations/{{crate}}-migrations      its tables\n    \
         apps/{{crate}}-service               its program\n    \
         docs/contracts/{{name}}.*            its wire schema\n\n\
         Next\n    cargo nextest run -p {{crate}}\n    cargo run          and then \
         http://127.0.0.1:8080/docs/\n    cargo xtask up --extract {{crate}}\n    cargo xtask check",
    ));
    Ok(())
}

/// Writes the module's files and makes it known, all or nothing.
fn write(workspace: &Workspace, names: &Names) -> Result<()> {
    let root = workspace.root();
    names.check_free(&known_crates(workspace)?)?;
    let written: Vec<(PathBuf, String)> = TEMPLATES
        .iter()
        .map(|template| (root.join(names.fill(template.path)), names.fill(template.text)))
        .collect();
    if let Some((path, _)) = written.iter().find(|(path, _)| path.exists()) {
        bail!("{} is there already: nothing was written", path.display());
    }
    let edited = wiring::edit(root, names)?;
    for (path, text) in &written {
        files::write(path, text)?;
    }
    for edit in &edited {
        files::write(&edit.path, &edit.text)?;
    }
    Ok(())
}

/// Formats what was written: the names decide where lines break.
fn format(workspace: &Workspace, names: &Names) -> Result<()> {
    let mut format = workspace.cargo(&["fmt"]);
    for name in names.crates().iter().map(String::as_str).chain(["host", "monolith", "xtask"]) {
        format.args(["--package", name]);
    }
    if !steps::succeeds(&mut format)? {
        bail!("`cargo fmt` failed; see above");
    }
    Ok(())
}

/// Has the team's commands, compiled with the new contract, write its wire schema.
fn generate_contracts(xtask: &mut Command) -> Result<()> {
    if !steps::succeeds(xtask.args(["contracts", "--write"]))? {
        bail!("`cargo xtask contracts --write` failed; see above");
    }
    Ok(())
}

/// The names that a new crate cannot have: ours, and what we depend on.
fn known_crates(workspace: &Workspace) -> Result<BTreeSet<String>> {
    let path = workspace.root().join("Cargo.toml");
    let manifest: Table =
        files::read(&path)?.parse().with_context(|| format!("reading {}", path.display()))?;
    let dependencies = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(|dependencies| dependencies.as_table())
        .map(|dependencies| dependencies.keys().cloned())
        .into_iter()
        .flatten();
    let ours = workspace.packages().iter().map(|package| package.name.clone());
    Ok(ours.chain(dependencies).collect())
}

//! Proves on a throwaway copy that what `new-module` writes passes as it stands.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{format, generate_contracts, names::Names, write};
use crate::{
    files,
    steps::{self, Steps},
    tools::{Install, MACHETE, NEXTEST},
    workspace::Workspace,
};

/// Copies the repository, adds a module there, checks it and runs its tests.
pub(crate) fn run(steps: &mut Steps, workspace: &Workspace, names: Names, install: Install) {
    let mut copied = None;
    steps.run("new-module: write one into a copy", || {
        let root = copy(workspace)?;
        write(&Workspace::at(&root)?, &names)?;
        let copy = Workspace::at(&root)?.building_in(workspace.target());
        format(&copy, &names)?;
        generate_contracts(&mut xtask(&copy)?)?;
        copied = Some(copy);
        Ok(steps::Verdict::Passed)
    });
    let Some(copy) = copied else { return };
    steps.run("new-module: its rules, links and schemas", || {
        steps::verdict(xtask(&copy)?.args(["check", "--quick"]))
    });
    steps.run("new-module: clippy", || {
        let mut command = copy.cargo(&["clippy", "--all-targets", "--all-features"]);
        command.args(packages(&names)).args(["--package", "monolith"]);
        steps::verdict(command.args(["--", "-D", "warnings"]))
    });
    steps.run("new-module: rustdoc", || {
        let mut command = copy.cargo(&["doc", "--no-deps"]);
        steps::verdict(command.args(packages(&names)).env("RUSTDOCFLAGS", "-D warnings"))
    });
    steps.run("new-module: dependencies that nothing uses", || {
        MACHETE.ensure(&copy, install)?;
        steps::verdict(&mut copy.cargo(&["machete"]))
    });
    steps.run("new-module: its tests", || {
        NEXTEST.ensure(&copy, install)?;
        steps::verdict(copy.cargo(&["nextest", "run"]).args(packages(&names)))
    });
}

/// The copy's own commands, built as one of the whole workspace, so that no dependency is compiled
/// with fewer features for them.
fn xtask(copy: &Workspace) -> Result<Command> {
    let build = ["build", "--quiet", "--workspace", "--bin", "xtask"];
    if !steps::succeeds(&mut copy.cargo(&build))? {
        bail!("`cargo build --workspace --bin xtask` failed in the copy; see above");
    }
    let mut command = Command::new(copy.target().join("debug/xtask"));
    command.current_dir(copy.root()).env("CARGO_TARGET_DIR", copy.target());
    Ok(command)
}

fn packages(names: &Names) -> Vec<String> {
    names.crates().into_iter().flat_map(|name| ["--package".to_owned(), name]).collect()
}

/// The repository's files as they are now, at a place that stays the same, with the times that they
/// have: so cargo compiles only what has changed since the last proof.
fn copy(workspace: &Workspace) -> Result<PathBuf> {
    let root = workspace.target().join("new-module-proof");
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("removing {}", root.display()))?;
    }
    for file in source_files(workspace.root())? {
        let (from, to) = (workspace.root().join(&file), root.join(&file));
        if from.is_file() {
            copy_file(&from, &to).with_context(|| format!("copying {}", from.display()))?;
        }
    }
    Ok(root)
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
    fs::copy(from, to)?;
    let modified = fs::metadata(from)?.modified()?;
    File::options().write(true).open(to)?.set_modified(modified)?;
    Ok(())
}

/// What git would commit; where there is no git, all but what was built.
fn source_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    if let Ok(listed) = steps::output(&mut git) {
        return Ok(listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect());
    }
    let all = files::all(root, "")?;
    if all.is_empty() {
        bail!("there are no files in {}", root.display());
    }
    Ok(all.iter().map(|path| PathBuf::from(files::relative(root, path))).collect())
}

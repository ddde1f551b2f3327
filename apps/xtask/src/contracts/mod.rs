//! `cargo xtask contracts`: the wire schemas under `docs/contracts/` are those of the types, and no
//! change to them breaks the version before.

mod baseline;
mod catalogue;
mod compatibility;
mod declared;
mod document;
mod wire;

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use crate::{console::say, files, workspace::Workspace};

use document::{Document, FOLDER};

/// What `contracts` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Writes the files. A change that would break the version before is not written.
    #[arg(long)]
    pub write: bool,
    #[command(flatten)]
    baseline: Baseline,
}

/// What the contracts are compared with.
#[derive(Args, Clone, Debug)]
pub struct Baseline {
    /// The git revision whose programs are running now, and must keep understanding these.
    #[arg(long, value_name = "REVISION", default_value = "HEAD")]
    pub base: String,
}

impl Default for Baseline {
    fn default() -> Self {
        Self { base: "HEAD".to_owned() }
    }
}

/// Whether files are written or only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Write,
    Compare,
}

/// Compares or writes.
///
/// # Errors
/// A file differs from its types, or a change breaks the version before.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    let writing = if options.write { Writing::Write } else { Writing::Compare };
    let complaints = complaints(&workspace, &options.baseline, writing)?;
    if complaints.is_empty() {
        say("the wire schemas are those of the types, and break nothing");
        return Ok(());
    }
    complaints.iter().for_each(say);
    bail!("{} complaints about the wire schemas", complaints.len());
}

/// What is wrong with the contracts, each with what to do.
pub(crate) fn complaints(
    workspace: &Workspace,
    baseline: &Baseline,
    writing: Writing,
) -> Result<Vec<String>> {
    let root = workspace.root();
    let generated = document::generate()?;
    let mut complaints = declared::missing_from_catalogue(root, &generated)?;

    let before = baseline::read(root, &baseline.base)?;
    let broken = compatibility::broken(&before, &generated, catalogue::RETIRED);
    let may_write = broken.is_empty() && writing == Writing::Write;
    complaints.extend(broken);

    for document in &generated {
        let path = root.join(FOLDER).join(&document.file);
        let text = document.text()?;
        if files::read(&path).is_ok_and(|found| found == text) {
            continue;
        }
        if may_write {
            files::write(&path, &text)?;
            say(format_args!("wrote {FOLDER}/{}", document.file));
        } else {
            complaints.push(format!(
                "{FOLDER}/{} is not the schema of the types: run `cargo xtask contracts --write` \
                 and commit it",
                document.file
            ));
        }
    }
    complaints.extend(orphans(root, &generated)?);
    Ok(complaints)
}

/// Files that no type stands behind.
fn orphans(root: &Path, generated: &[Document]) -> Result<Vec<String>> {
    let folder = root.join(FOLDER);
    let found = files::with_extension(root, FOLDER, "json")?;
    let names = found.iter().map(|path| files::relative(&folder, path));
    let orphans = names.filter(|name| generated.iter().all(|document| document.file != *name));
    Ok(orphans
        .map(|name| format!("{FOLDER}/{name} belongs to no port or event: delete it"))
        .collect())
}

//! Changes of files that outlive a loss of power.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};

/// Writes a file as a whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let context = || format!("writing {}", path.display());
    let mut name = path.file_name().with_context(context)?.to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = File::create(&new).with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)?;
    file.sync_all().with_context(context)?;
    rename(&new, path)
}

/// Gives a file another name in the same directory or another one of the same disk.
pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("renaming {} to {}", from.display(), to.display());
    fs::rename(from, to).with_context(context)?;
    sync_directory(to).with_context(context)?;
    sync_directory(from).with_context(context)
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<()> {
    let context = || format!("removing {}", path.display());
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).with_context(context),
        _ => sync_directory(path).with_context(context),
    }
}

/// Makes what was written to a file durable.
pub(super) fn sync(path: &Path) -> Result<()> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.with_context(|| format!("writing {} to the disk", path.display()))
}

fn sync_directory(of: &Path) -> io::Result<()> {
    match of.parent() {
        Some(parent) if parent.exists() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

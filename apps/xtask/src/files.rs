//! The files of the repository.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// Folders that are made, not written.
const NOT_SOURCES: [&str; 4] = ["target", "data", ".git", "node_modules"];

/// All files under `root/folder` whose name ends in `.{extension}`, sorted; none where there is
/// no such folder.
///
/// # Errors
/// A folder that cannot be read.
pub fn with_extension(root: &Path, folder: &str, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = all(root, folder)?;
    found.retain(|path| path.extension().is_some_and(|found| found == extension));
    Ok(found)
}

/// All files under `root/folder`, sorted, but for what was built; none where there is no such
/// folder.
///
/// # Errors
/// A folder that cannot be read.
pub fn all(root: &Path, folder: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![root.join(folder)];
    while let Some(folder) = waiting.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(error).with_context(|| format!("reading {}", folder.display()));
            }
        };
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
            if !entry.file_type()?.is_dir() {
                found.push(entry.path());
            } else if !NOT_SOURCES.iter().any(|name| entry.file_name() == *name) {
                waiting.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a file, naming it where that fails.
///
/// # Errors
/// The file is missing or is no text.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Writes a file and the folders above it.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// Writes a file that only its owner may read, in one go: nobody sees half of it.
///
/// # Errors
/// The file cannot be written.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let partial = path.with_extension("partial");
    let context = || format!("writing {}", path.display());
    // One that is left from before might be open to others.
    let _ = fs::remove_file(&partial);
    let mut file = fs::File::options();
    let mut file =
        file.write(true).create_new(true).mode(0o600).open(&partial).with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)?;
    fs::rename(&partial, path).with_context(context)
}

/// `path` below `root`, with forward slashes.
#[must_use]
pub fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

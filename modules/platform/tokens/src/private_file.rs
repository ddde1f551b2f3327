//! Files that only their owner reads.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::KeyError;

/// Reads the file, or makes it with what `make` returns. The file appears whole or not at all, and
/// one that appeared meanwhile is read, not replaced.
pub(crate) fn read_or_create(
    path: &Path,
    make: impl FnOnce() -> Result<Zeroizing<String>, KeyError>,
) -> Result<Zeroizing<String>, KeyError> {
    match fs::read_to_string(path) {
        Ok(content) => {
            warn_if_open_to_others(path);
            return Ok(Zeroizing::new(content));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(KeyError::file(path, error)),
    }
    let content = make()?;
    match write_new(path, &content) {
        Ok(()) => Ok(content),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| KeyError::file(path, error)),
        Err(error) => Err(KeyError::file(path, error)),
    }
}

/// Replaces the file as a whole; everybody may read it.
pub(crate) fn replace_public(path: &Path, content: &str) -> io::Result<()> {
    create_parent(path)?;
    let draft = draft_of(path);
    let written = fs::write(&draft, content).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Fails with `AlreadyExists` rather than replace a file.
fn write_new(path: &Path, content: &str) -> io::Result<()> {
    create_parent(path)?;
    let draft = draft_of(path);
    // A hard link, unlike a rename, does not replace what is there.
    let written = write_draft(&draft, content).and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    written
}

fn write_draft(draft: &Path, content: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

/// A name of its own beside `path`, so that writers do not meet.
fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.draft", rand::random::<u64>()));
    path.with_file_name(name)
}

fn create_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => fs::create_dir_all(parent),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn warn_if_open_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
        tracing::warn!(file.path = %path.display(), "others than its owner may read this key file");
    }
}

#[cfg(not(unix))]
fn warn_if_open_to_others(_: &Path) {}

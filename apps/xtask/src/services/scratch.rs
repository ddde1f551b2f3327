//! Folders for engines.

use std::{
    env, fs,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result, bail};

use super::{Engine, account::Account};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// The folder for what lives until `down`.
pub(super) fn lasting(target: &Path, engine: Engine) -> Result<PathBuf> {
    made(base(target)?.join(engine.slug()))
}

/// A folder that is nobody else's, for what lives as long as this process.
pub(super) fn passing(target: &Path, engine: Engine) -> Result<PathBuf> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    made(base(target)?.join(format!("{}-{}-{number}", engine.slug(), process::id())))
}

fn made(folder: PathBuf) -> Result<PathBuf> {
    // The engine's user passes through; its data folder is closed to all others.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&folder)
        .with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// `target/services`, unless the user that engines run as cannot get there, such as below /root.
fn base(target: &Path) -> Result<PathBuf> {
    let usual = target.join("services");
    if Account::for_engines()? == Account::Own || is_open(&usual) {
        return Ok(usual);
    }
    let root =
        env::temp_dir().join(format!("ashlar-services-{}", rustix::process::getuid().as_raw()));
    let root = made(root)?;
    let seen = fs::symlink_metadata(&root)?;
    if !seen.is_dir() || seen.uid() != rustix::process::getuid().as_raw() {
        bail!("{} belongs to somebody else", root.display());
    }
    // Checkouts side by side do not share.
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    Ok(root.join(format!("{:08x}", hasher.hash_one(target) & 0xffff_ffff)))
}

/// Whether everybody may pass through all folders on the way.
fn is_open(folder: &Path) -> bool {
    let closed = |folder: &Path| {
        fs::metadata(folder).is_ok_and(|seen| seen.permissions().mode() & 0o001 == 0)
    };
    !folder.ancestors().any(closed)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_closed_folder_on_the_way_is_seen() {
        let parent = TempDir::new().expect("a folder");
        let inner = parent.path().join("inner");
        fs::create_dir(&inner).expect("it can be made");
        for (mode, open) in [(0o700, false), (0o755, true)] {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(parent.path(), permissions).expect("it is ours");
            assert_eq!(is_open(&inner.join("not-there-yet")), open, "{mode:o}");
        }
    }
}

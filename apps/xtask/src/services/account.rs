//! As whom engines run that refuse to run as root.

use std::{
    os::unix::{fs::chown, process::CommandExt as _},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::steps;

/// Made by the packages of PostgreSQL.
const NAME: &str = "postgres";

/// As whom PostgreSQL and PgBouncer run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// As whoever calls.
    Own,
    /// The caller is root, whom they refuse.
    Other { user: u32, group: u32 },
}

impl Account {
    pub(super) fn for_engines() -> Result<Self> {
        if !rustix::process::getuid().is_root() {
            return Ok(Self::Own);
        }
        let ask = |what: &str| -> Result<u32> {
            let answer = steps::output(Command::new("id").args([what, NAME])).with_context(|| {
                format!(
                    "PostgreSQL does not run as root, and there is no user `{NAME}`: add one, or \
                     run this as another user than root"
                )
            })?;
            answer.trim().parse().context("reading what `id` says")
        };
        Ok(Self::Other { user: ask("-u")?, group: ask("-g")? })
    }

    /// Gives it a file or a folder.
    pub(super) fn own(self, path: &Path) -> Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { user, group } => chown(path, Some(user), Some(group))
                .with_context(|| format!("giving {} to `{NAME}`", path.display())),
        }
    }

    /// Lets a command run as this user, with none of the caller's groups.
    pub(super) fn enter(self, command: &mut Command) {
        if let Self::Other { user, group } = self {
            command.uid(user).gid(group);
        }
    }
}

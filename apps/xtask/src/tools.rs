//! Cargo's companions that the commands need, and how to get them.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use clap::Args;

use crate::{console::say, steps, workspace::Workspace};

/// A program that `cargo` finds by its subcommand's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    subcommand: &'static str,
    package: &'static str,
    /// The version that is installed where there is none; any other will do.
    version: &'static str,
    purpose: &'static str,
}

/// Runs the tests, each in a process of its own.
pub const NEXTEST: Tool = Tool {
    subcommand: "nextest",
    package: "cargo-nextest",
    version: "0.9.143",
    purpose: "runs the tests",
};

/// Checks licences, sources, banned and vulnerable dependencies.
pub const DENY: Tool = Tool {
    subcommand: "deny",
    package: "cargo-deny",
    version: "0.20.2",
    purpose: "checks licences, sources and banned dependencies",
};

/// Finds dependencies that nothing uses.
pub const MACHETE: Tool = Tool {
    subcommand: "machete",
    package: "cargo-machete",
    version: "0.9.2",
    purpose: "finds dependencies that nothing uses",
};

/// What to do about a tool that is missing.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Install {
    /// Installs what is missing: cargo's tools, and engines where the command needs them.
    #[arg(long)]
    pub install: bool,
}

impl Tool {
    /// Makes sure that the tool is there.
    ///
    /// # Errors
    /// It is not, and may or can not be installed; the message says how to install it.
    pub fn ensure(self, workspace: &Workspace, install: Install) -> Result<()> {
        if self.is_there(workspace) {
            return Ok(());
        }
        if !install.install {
            bail!("{}", self.missing());
        }
        say(format_args!("installing {} {}", self.package, self.version));
        let mut command = workspace.cargo(&["install", "--locked"]);
        // A tool's own build has nothing to do with the workspace's.
        command.env_remove("CARGO_TARGET_DIR");
        command.arg(format!("{}@{}", self.package, self.version));
        if !steps::succeeds(&mut command)? {
            bail!("{} could not be installed; see above", self.package);
        }
        Ok(())
    }

    fn is_there(self, workspace: &Workspace) -> bool {
        let mut command: Command = workspace.cargo(&[self.subcommand, "--version"]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    fn missing(self) -> String {
        let Self { package, version, purpose, .. } = self;
        format!(
            "{package} is not installed; it {purpose}. Install it with\n    \
             cargo install --locked {package}@{version}\n\
             or run this command again with --install"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_says_how_to_get_it() {
        let message = DENY.missing();
        assert!(message.contains("cargo install --locked cargo-deny@0.20.2"), "{message}");
        assert!(message.contains("--install"), "{message}");
    }
}

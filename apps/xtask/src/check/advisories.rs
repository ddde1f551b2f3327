//! Known vulnerabilities, where the advisory database can be reached.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{console::say, steps::Verdict, workspace::Workspace};

/// Asks cargo-deny. A database that cannot be fetched is said plainly and fails nothing.
pub(crate) fn check(workspace: &Workspace) -> Result<Verdict> {
    let mut command: Command = workspace.cargo(&["deny", "check", "advisories"]);
    let output = command.output().context("starting `cargo deny check advisories`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let verdict = judge(output.status.success(), &said);
    if matches!(verdict, Verdict::Failed(_)) {
        say(said.trim_end());
    }
    Ok(verdict)
}

fn judge(succeeded: bool, said: &str) -> Verdict {
    const UNREACHABLE: [&str; 3] = [
        "failed to fetch advisory database",
        "failed to open advisory database",
        "unable to fetch",
    ];
    if succeeded {
        Verdict::Passed
    } else if UNREACHABLE.iter().any(|message| said.contains(message)) {
        Verdict::Skipped(
            "the advisory database could not be fetched; NOTHING is known about vulnerabilities. \
             Run `cargo deny check advisories` where it can be reached"
                .to_owned(),
        )
    } else {
        Verdict::Failed(
            "`cargo deny check advisories` failed; see above. Update the crate, or list the \
             advisory in deny.toml with the reason why it does not concern us"
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vulnerability_is_not_taken_for_a_lost_connection() {
        assert_eq!(judge(true, ""), Verdict::Passed);
        let lost = "error: failed to fetch advisory database https://example.org";
        assert!(matches!(judge(false, lost), Verdict::Skipped(_)));
        assert!(matches!(judge(false, "error[vulnerability]: bad"), Verdict::Failed(_)));
    }
}

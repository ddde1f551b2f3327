//! The contracts of an earlier revision.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result};

use super::document::{Document, FOLDER};
use crate::{console::say, steps};

/// The contracts that `revision` has; none where it has none, or where there is no repository.
pub(super) fn read(root: &Path, revision: &str) -> Result<Vec<Document>> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(root).args(arguments);
        command
    };
    let known = format!("{revision}^{{commit}}");
    let exists = git(&["rev-parse", "--verify", "--quiet", &known]).output();
    if !exists.is_ok_and(|output| output.status.success()) {
        say(format_args!(
            "   note: there is no revision `{revision}` here, so the wire schemas are compared with \
             the files alone"
        ));
        return Ok(Vec::new());
    }
    // `git show REV:./path` counts from the current folder, which need not be git's top level.
    let listed =
        steps::output(&mut git(&["ls-tree", "-r", "--name-only", revision, "--", FOLDER]))?;
    let mut documents = Vec::new();
    for path in listed.lines().filter(|path| path.ends_with(".json")) {
        let text = steps::output(&mut git(&["show", &format!("{revision}:./{path}")]))?;
        let content = serde_json::from_str(&text)
            .with_context(|| format!("reading {path} as it was in {revision}"))?;
        let file = path.trim_start_matches(FOLDER).trim_start_matches('/').to_owned();
        documents.push(Document { file, content });
    }
    Ok(documents)
}

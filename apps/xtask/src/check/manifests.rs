//! Rules about the manifests themselves: versions and lints are decided in one place.

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use crate::{files, workspace::Workspace};

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// What is wrong with the manifests of the workspace's crates.
pub(crate) fn complaints(workspace: &Workspace) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for package in workspace.packages() {
        let path = &package.manifest_path;
        let name = files::relative(workspace.root(), path);
        let manifest: Table = files::read(path)?.parse().with_context(|| format!("in {name}"))?;
        complaints.extend(judge(&manifest).into_iter().map(|what| format!("{name}: {what}")));
    }
    Ok(complaints)
}

fn judge(manifest: &Table) -> Vec<String> {
    let inherits = |value: Option<&Value>| {
        value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
    };
    let mut complaints = Vec::new();
    if !inherits(manifest.get("lints")) {
        complaints.push("lints are the workspace's: add `[lints] workspace = true`".to_owned());
    }
    for section in SECTIONS {
        let Some(dependencies) = manifest.get(section).and_then(Value::as_table) else { continue };
        let own = dependencies.iter().filter(|(_, value)| !inherits(Some(value)));
        complaints.extend(own.map(|(name, _)| {
            format!(
                "`{name}` has a version of its own: put it into `[workspace.dependencies]` and \
                 write `{name}.workspace = true`, so that every crate is built once"
            )
        }));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge_text(text: &str) -> Vec<String> {
        judge(&text.parse().expect("the test's own manifest"))
    }

    #[test]
    fn versions_and_lints_come_from_the_workspace() {
        let good = "lints.workspace = true\n[dependencies]\na.workspace = true\n\
                    b = { workspace = true, optional = true }";
        assert_eq!(judge_text(good), Vec::<String>::new());
        let bad = "[dependencies]\na = \"1\"\n[dev-dependencies]\nb = { path = \"../b\" }";
        let complaints = judge_text(bad);
        assert_eq!(complaints.len(), 3);
        assert!(complaints[1].contains("`a.workspace = true`"), "{complaints:?}");
    }
}

//! Who depends on whom, as the manifests say it.

use crate::{files, workspace::Workspace};

/// A crate of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Below the root, such as `modules/billing-api`.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A direct dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is linked, or runs at build time.
    Linked,
    /// Tests alone use it.
    Dev,
}

/// The workspace's crates with their direct dependencies, optional ones included.
pub(crate) fn read(workspace: &Workspace) -> Vec<Crate> {
    let root = workspace.root();
    let crates = workspace.packages().iter().map(|package| {
        let manifest = &package.manifest_path;
        let folder = manifest.parent().unwrap_or(manifest);
        let dependencies = package.dependencies.iter().map(|dependency| Dependency {
            name: dependency.name.clone(),
            kind: match dependency.kind.as_deref() {
                Some("dev") => Kind::Dev,
                _ => Kind::Linked,
            },
        });
        Crate {
            name: package.name.clone(),
            folder: files::relative(root, folder),
            dependencies: dependencies.collect(),
        }
    });
    crates.collect()
}

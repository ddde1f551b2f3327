//! Builds a shape's programs and keeps a copy of each, so that the next shape's monolith does not
//! replace this one's.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::{BuildProfile, Points, Shape};
use crate::{
    steps,
    workspace::{MONOLITH, Workspace, service_name},
};

/// Set by `cargo xtask test`, which builds all shapes beforehand: [`build`] then only looks.
pub(crate) const PREBUILT: &str = "ASHLAR_SHAPES_PREBUILT";

/// The feature of every program that brings the points of campaigns in.
const FAILPOINTS: &str = "failpoints";

/// A shape's programs.
#[derive(Clone, Debug)]
pub struct Binaries {
    pub(super) monolith: PathBuf,
    /// By the extracted module's crate.
    pub(super) services: BTreeMap<String, PathBuf>,
    /// All modules of the product, by their crates.
    pub(super) modules: BTreeSet<String>,
}

impl Binaries {
    /// The monolith's file.
    #[must_use]
    pub fn monolith(&self) -> &Path {
        &self.monolith
    }

    /// The file of the program that holds `module` alone, where that is extracted.
    #[must_use]
    pub fn service(&self, module: &str) -> Option<&Path> {
        self.services.get(module).map(PathBuf::as_path)
    }
}

/// Builds `shape`'s programs.
///
/// # Errors
/// There is no such module, or a program does not compile.
pub fn build(shape: &Shape) -> Result<Binaries> {
    build_in(&Workspace::find()?, shape)
}

/// [`build`] in a workspace that is known.
pub(crate) fn build_in(workspace: &Workspace, shape: &Shape) -> Result<Binaries> {
    let modules = workspace.modules()?;
    for module in &shape.extracted {
        workspace.module(module)?;
    }
    let kept: BTreeSet<&str> = modules.difference(&shape.extracted).map(String::as_str).collect();
    let mut folder = workspace.target().join("shapes").join(shape.profile.folder());
    if shape.points == Points::With {
        folder.push(FAILPOINTS);
    }
    let binaries = Binaries {
        monolith: folder.join(feature_set(&kept)).join(MONOLITH),
        services: shape
            .extracted
            .iter()
            .map(|module| (module.clone(), folder.join("services").join(service_name(module))))
            .collect(),
        modules: modules.clone(),
    };
    if env::var_os(PREBUILT).is_some() && binaries.all().all(|path| path.exists()) {
        return Ok(binaries);
    }

    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let lock = File::create(folder.join(".lock")).context("making the lock on shapes")?;
    lock.lock().context("waiting for another build of shapes")?;
    let mut features: Vec<&str> = kept.into_iter().collect();
    if shape.points == Points::With {
        features.push(FAILPOINTS);
    }
    let monolith = ["--package", MONOLITH, "--no-default-features", "--features"];
    compile(workspace, shape, &[&monolith[..], &[&features.join(",")]].concat())?;
    keep(workspace, shape, MONOLITH, &binaries.monolith)?;
    if !binaries.services.is_empty() {
        let names: Vec<String> = shape.extracted.iter().map(|name| service_name(name)).collect();
        let packages = names.iter().flat_map(|name| ["--package", name.as_str()]);
        let mut what: Vec<&str> = packages.collect();
        let points: Vec<String> = names.iter().map(|name| format!("{name}/{FAILPOINTS}")).collect();
        let points = points.join(",");
        if shape.points == Points::With {
            what.extend(["--features", &points]);
        }
        compile(workspace, shape, &what)?;
        for (module, path) in &binaries.services {
            keep(workspace, shape, &service_name(module), path)?;
        }
    }
    Ok(binaries)
}

impl Binaries {
    fn all(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.monolith].into_iter().chain(self.services.values())
    }
}

impl BuildProfile {
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }

    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Debug => &[],
            Self::Release => &["--release"],
        }
    }
}

fn compile(workspace: &Workspace, shape: &Shape, what: &[&str]) -> Result<()> {
    let mut command = workspace.cargo(&["build", "--quiet", "--bins"]);
    command.args(shape.profile.arguments()).args(what);
    if !steps::succeeds(&mut command)? {
        bail!("`cargo build {}` failed; see above", what.join(" "));
    }
    Ok(())
}

/// Copies what was built, unless the copy is of it already. A running program keeps its old file.
fn keep(workspace: &Workspace, shape: &Shape, name: &str, copy: &Path) -> Result<()> {
    let built = workspace.target().join(shape.profile.folder()).join(name);
    let stamp = |path: &Path| fs::metadata(path).and_then(|it| Ok((it.modified()?, it.len())));
    let fresh = stamp(&built).with_context(|| format!("looking for {}", built.display()))?;
    if stamp(copy).is_ok_and(|kept| kept == fresh) {
        return Ok(());
    }
    let context = || format!("copying {} to {}", built.display(), copy.display());
    let folder = copy.parent().context("a copy is in a folder")?;
    fs::create_dir_all(folder).with_context(context)?;
    let partial = copy.with_extension("partial");
    fs::copy(&built, &partial).with_context(context)?;
    File::options()
        .write(true)
        .open(&partial)
        .and_then(|file| file.set_modified(fresh.0))
        .with_context(context)?;
    fs::rename(&partial, copy).with_context(context)
}

/// The name of the folder for a monolith with these modules.
fn feature_set(modules: &BTreeSet<&str>) -> String {
    if modules.is_empty() {
        return "gateway-alone".to_owned();
    }
    modules.iter().copied().collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_features_has_a_folder_of_its_own() {
        assert_eq!(feature_set(&BTreeSet::from([])), "gateway-alone");
        assert_eq!(feature_set(&BTreeSet::from(["notifications", "auth"])), "auth+notifications");
    }
}

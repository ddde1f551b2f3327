//! Engines that somebody runs already, and names in the configuration of the programs. They are
//! used as they are, and never started or stopped.

use std::{env, fs, path::Path};

use anyhow::{Context as _, Result};

use super::{Engine, address::Address};

/// Where programs look for settings, below the folder that they run in.
const FILE: &str = "ashlar.toml";

/// An engine that is named.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) engine: Engine,
    pub(super) address: Address,
    /// Where it is named, for a person.
    pub(super) by: String,
}

/// The engines that the environment or `ashlar.toml` in `folder` names, as the programs read them.
pub(super) fn read(folder: &Path) -> Result<Vec<Named>> {
    let path = folder.join(FILE);
    let file = match fs::read_to_string(&path) {
        Ok(text) => text.parse::<toml::Table>().with_context(|| format!("reading {FILE}"))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => toml::Table::new(),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    find(&file, |name| env::var(name).ok(), folder)
}

fn find(
    file: &toml::Table,
    environment: impl Fn(&str) -> Option<String>,
    folder: &Path,
) -> Result<Vec<Named>> {
    let mut found = Vec::new();
    for engine in Engine::ALL {
        for (section, key) in engine.settings() {
            let Some((url, by)) = value(file, &environment, folder, section, key)? else {
                continue;
            };
            let address = Address::parse(url.trim()).with_context(|| by.clone())?;
            found.push(Named { engine, address, by });
            break;
        }
    }
    Ok(found)
}

/// A setting and where it is: the environment before the file, the value before a file with it.
fn value(
    file: &toml::Table,
    environment: impl Fn(&str) -> Option<String>,
    folder: &Path,
    section: &str,
    key: &str,
) -> Result<Option<(String, String)>> {
    let variable = |key: &str| format!("ASHLAR__{section}__{key}").to_uppercase();
    let in_file = |key: &str| file.get(section)?.get(key)?.as_str().map(str::to_owned);
    let by_path = format!("{key}_file");
    let opened = |path: String, by: String| {
        let text = fs::read_to_string(folder.join(&path)).with_context(|| format!("{by}: {path}"));
        text.map(|text| Some((text, by)))
    };
    if let Some(value) = environment(&variable(key)) {
        return Ok(Some((value, variable(key))));
    }
    if let Some(path) = environment(&variable(&by_path)) {
        return opened(path, variable(&by_path));
    }
    if let Some(value) = in_file(key) {
        return Ok(Some((value, format!("{section}.{key} in {FILE}"))));
    }
    match in_file(&by_path) {
        Some(path) => opened(path, format!("{section}.{by_path} in {FILE}")),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn shown(named: &[Named]) -> Vec<String> {
        named.iter().map(|named| format!("{} by {}", named.address, named.by)).collect()
    }

    #[test]
    fn the_environment_comes_before_the_file() {
        let file = "[postgres]\nadmin_url = 'postgres://a@one/x'\nurl = 'postgres://one/x'\n\
                    [redis]\nurl = 'redis://two'";
        let file = file.parse().expect("it is TOML");
        let variable = "ASHLAR__POSTGRES__ADMIN_URL";
        let environment =
            |name: &str| (name == variable).then(|| "postgres://b:c@three/x".to_owned());
        let named = find(&file, environment, Path::new("")).expect("all are URLs");
        assert_eq!(
            shown(&named),
            [
                "postgres://b:***@three/x by ASHLAR__POSTGRES__ADMIN_URL",
                "redis://two by redis.url in ashlar.toml",
            ]
        );
    }

    #[test]
    fn a_secret_may_be_in_a_file_of_its_own() {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("url"), "amqp://a:b@c/\n").expect("it can be written");
        let file = "[rabbitmq]\nurl_file = 'url'".parse().expect("it is TOML");
        let named = find(&file, |_| None, folder.path()).expect("it is a URL");
        assert_eq!(shown(&named), ["amqp://a:***@c by rabbitmq.url_file in ashlar.toml"]);
        let missing = "[rabbitmq]\nurl_file = 'gone'".parse().expect("it is TOML");
        let error = find(&missing, |_| None, folder.path()).expect_err("there is no such file");
        assert_eq!(error.to_string(), "rabbitmq.url_file in ashlar.toml: gone");
    }

    #[test]
    fn nothing_named_is_nothing_found() {
        let named = find(&toml::Table::new(), |_| None, Path::new("")).expect("nothing is wrong");
        assert!(named.is_empty());
    }
}

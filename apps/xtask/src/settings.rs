//! The settings of the programs, as a developer has them: the environment before `ashlar.toml`, a
//! value before the file that holds it.

use std::{env, path::Path, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::files;

/// Where programs look for settings, below the folder that they run in.
const FILE: &str = "ashlar.toml";

/// The environment, and the settings' file of a folder.
#[derive(Debug)]
pub(crate) struct Settings {
    file: toml::Table,
    folder: PathBuf,
}

impl Settings {
    /// Those of programs that run in `folder`.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = if path.exists() { files::read(&path)? } else { String::new() };
        let file = text.parse().with_context(|| format!("reading {}", path.display()))?;
        Ok(Self { file, folder: folder.to_owned() })
    }

    /// The value at `key` of `section`, such as `modules.billing.postgres`.
    pub(crate) fn text(&self, section: &str, key: &str) -> Option<String> {
        let variable = format!("ASHLAR__{}__{key}", section.replace('.', "__")).to_uppercase();
        env::var(variable).ok().or_else(|| {
            let mut table = &self.file;
            for name in section.split('.') {
                table = table.get(name)?.as_table()?;
            }
            table.get(key)?.as_str().map(str::to_owned)
        })
    }

    /// The secret at `key`, which may be in a file of its own.
    pub(crate) fn secret(&self, section: &str, key: &str) -> Result<Option<String>> {
        if let Some(value) = self.text(section, key) {
            return Ok(Some(value));
        }
        let Some(path) = self.text(section, &format!("{key}_file")) else { return Ok(None) };
        let text = files::read(&self.folder.join(path))?;
        Ok(Some(text.trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_module_may_have_settings_and_secrets_of_its_own() {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("admin"), "postgres://a@b/c\n").expect("it can be written");
        fs::write(
            folder.path().join(FILE),
            "[store]\nengine = 'postgres'\n[modules.billing.postgres]\nadmin_url_file = 'admin'\n",
        )
        .expect("it can be written");
        let settings = Settings::read(folder.path()).expect("it is TOML");
        assert_eq!(settings.text("store", "engine").as_deref(), Some("postgres"));
        let admin = settings.secret("modules.billing.postgres", "admin_url");
        assert_eq!(admin.expect("it can be read").as_deref(), Some("postgres://a@b/c"));
        assert_eq!(settings.secret("postgres", "admin_url").expect("nothing is wrong"), None);
    }

    #[test]
    fn no_file_is_no_settings() {
        let folder = TempDir::new().expect("a folder");
        let settings = Settings::read(folder.path()).expect("nothing is wrong");
        assert_eq!(settings.text("no_such", "setting"), None);
    }
}

//! Reads one section, and reports every mistake in it rather than the first.

use std::path::Path;

use kernel::Secret;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use toml::{Table, Value};

use super::{Layers, Mistakes, secrets};

/// More mistakes than anybody makes in one section: a bound on the search for them.
const MOST_MISTAKES: usize = 100;

/// One section of the configuration.
#[derive(Debug)]
pub struct Section<'a> {
    name: &'static str,
    layers: &'a mut Layers,
    mistakes: &'a mut Mistakes,
}

impl<'a> Section<'a> {
    pub(crate) fn new(
        name: &'static str,
        layers: &'a mut Layers,
        mistakes: &'a mut Mistakes,
    ) -> Self {
        Self { name, layers, mistakes }
    }

    /// The section of an outside system that the module is told to use: one of
    /// [`crate::catalogue::PROVIDERS`].
    pub fn of_provider(&mut self, name: &'static str) -> Section<'_> {
        Section::new(name, self.layers, self.mistakes)
    }

    /// The section as a `T`. A value that does not fit is reported and its default taken, so that
    /// the reading goes on to the next mistake.
    pub fn read<T: DeserializeOwned + Default>(&mut self) -> T {
        let mut table = match self.layers.take(self.name) {
            None => return T::default(),
            Some(Value::Table(table)) => table,
            Some(_) => {
                self.mistakes.add(self.name, "is a section of values");
                return T::default();
            }
        };
        for _ in 0..MOST_MISTAKES {
            match serde_path_to_error::deserialize(Value::Table(table.clone())) {
                Ok(settings) => return settings,
                Err(error) => {
                    let mut path = keys(error.path());
                    let text = self.text(&path);
                    if text.is_some_and(|text| replace(&mut table, &path, Value::String(text))) {
                        continue;
                    }
                    // Serde reports an unknown key at its parent.
                    if let Some(key) = unknown_key(&error.inner().to_string())
                        && path.last() != Some(&key)
                    {
                        path.push(key);
                    }
                    self.mistakes.add(self.named(&path), plain(error.inner()));
                    if !remove(&mut table, &path) {
                        return T::default();
                    }
                }
            }
        }
        T::default()
    }

    /// Puts the secret that `file` holds in place of the `value` at `key`: files win.
    pub fn read_secret(&mut self, key: &str, value: &mut Option<Secret>, file: Option<&Path>) {
        secrets::from_file(&format!("{}.{key}", self.name), value, file, self.mistakes);
    }

    /// Reports that the value at `key` cannot be used.
    pub fn mistake(&mut self, key: &str, what: impl std::fmt::Display) {
        self.mistakes.add(format!("{}.{key}", self.name), what);
    }

    /// The text of an environment variable that was taken for a number.
    fn text(&self, path: &[String]) -> Option<String> {
        let mut full = vec![self.name.to_owned()];
        full.extend_from_slice(path);
        self.layers.raw(&full).map(str::to_owned)
    }

    fn named(&self, path: &[String]) -> String {
        std::iter::once(self.name)
            .chain(path.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(".")
    }
}

fn keys(path: &serde_path_to_error::Path) -> Vec<String> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn unknown_key(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    rest.split('`').next().map(str::to_owned)
}

/// TOML errors end with a line break, and may quote the text that they found.
fn plain(error: &toml::de::Error) -> String {
    error.message().trim().to_owned()
}

/// `false` where the value is no longer the one that the environment was read as.
fn replace(table: &mut Table, path: &[String], value: Value) -> bool {
    let Some(slot) = entry(table, path) else { return false };
    if slot.is_str() {
        return false;
    }
    *slot = value;
    true
}

fn entry<'t>(table: &'t mut Table, path: &[String]) -> Option<&'t mut Value> {
    let (leaf, parents) = path.split_last()?;
    let mut table = table;
    for parent in parents {
        table = table.get_mut(parent)?.as_table_mut()?;
    }
    table.get_mut(leaf)
}

fn remove(table: &mut Table, path: &[String]) -> bool {
    let Some((leaf, parents)) = path.split_last() else { return false };
    let mut table = table;
    for parent in parents {
        match table.get_mut(parent).and_then(Value::as_table_mut) {
            Some(inner) => table = inner,
            None => return false,
        }
    }
    table.remove(leaf).is_some()
}

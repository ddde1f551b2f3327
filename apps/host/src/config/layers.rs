//! Layers of configuration: file, then environment. The only place that reads the environment.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::Mistakes;

/// Read where no `--config` is given, if it is there.
const DEFAULT_FILE: &str = "ashlar.toml";
/// `ASHLAR__PUBLIC__BIND` sets `public.bind`.
const PREFIX: &str = "ASHLAR__";

/// What the operator has set, before any of it is understood.
#[derive(Debug, Default)]
pub struct Layers {
    table: Table,
    /// Values that look like a number or a truth value in the environment, as they were written.
    raw: Vec<(Vec<String>, String)>,
}

impl Layers {
    /// Reads the file and the environment of this process.
    pub fn read(file: Option<&Path>, mistakes: &mut Mistakes) -> Self {
        let mut layers = Self::default();
        let (path, required) = match file {
            Some(path) => (path.to_path_buf(), true),
            None => (PathBuf::from(DEFAULT_FILE), false),
        };
        match fs::read_to_string(&path) {
            Ok(text) => match text.parse() {
                Ok(table) => layers.table = table,
                Err(error) => mistakes.add(path.display(), error),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => {}
            Err(error) => mistakes.add(path.display(), format!("cannot be read: {error}")),
        }
        for (name, value) in std::env::vars_os() {
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
            if let Some(path) = name.strip_prefix(PREFIX) {
                layers.set(path, value, mistakes);
            }
        }
        layers
    }

    /// Layers made of `PUBLIC__BIND`-like names and values: for tests and in-process programs.
    pub fn of<'a>(
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
        mistakes: &mut Mistakes,
    ) -> Self {
        let mut layers = Self::default();
        for (name, value) in values {
            layers.set(name, value, mistakes);
        }
        layers
    }

    /// Takes the section `name` out, so that what is left at the end is unknown.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.table.remove(name)
    }

    /// The names of the sections that nobody has taken.
    pub(crate) fn left(&self) -> impl Iterator<Item = &String> {
        self.table.keys()
    }

    /// The text that the environment holds for `path`.
    pub(super) fn raw(&self, path: &[String]) -> Option<&str> {
        self.raw.iter().find(|(known, _)| known == path).map(|(_, text)| text.as_str())
    }

    fn set(&mut self, name: &str, text: &str, mistakes: &mut Mistakes) {
        let path: Vec<String> = name.split("__").map(str::to_lowercase).collect();
        let value = scalar_or_list(text);
        if !value.is_str() && !value.is_array() {
            self.raw.push((path.clone(), text.to_owned()));
        }
        let Some((leaf, parents)) = path.split_last() else { return };
        let mut table = &mut self.table;
        for parent in parents {
            let entry = table.entry(parent.clone()).or_insert_with(|| Value::Table(Table::new()));
            match entry {
                Value::Table(inner) => table = inner,
                _ => {
                    mistakes.add(format!("{PREFIX}{name}"), format!("`{parent}` is not a section"));
                    return;
                }
            }
        }
        table.insert(leaf.clone(), value);
    }
}

/// The environment knows only text: what reads as a TOML number, truth value or list is one.
fn scalar_or_list(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok();
    match parsed.and_then(|mut table| table.remove("value")) {
        Some(
            value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_)),
        ) => value,
        _ => Value::String(text.to_owned()),
    }
}

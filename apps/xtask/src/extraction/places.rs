//! Where a module's data are, in either shape. The host knows the same names.

use std::path::{Path, PathBuf};

use crate::workspace::{module_name, service_name};

/// A module's data in one directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// What a program is told as `data.dir`.
    pub(crate) dir: PathBuf,
    module: String,
}

impl Place {
    /// The module's data in the directory that the monolith works in.
    pub(crate) fn in_monolith(data: &Path, module: &str) -> Self {
        Self { dir: data.to_owned(), module: module_name(module) }
    }

    /// The module's data in its service's own directory.
    pub(crate) fn in_service(data: &Path, module: &str) -> Self {
        Self { dir: data.join(service_name(module)), module: module_name(module) }
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.dir.join(format!("{}.db", self.module))
    }

    /// What a running program holds a lock on; `storage` knows the same name.
    pub(crate) fn lock(&self) -> PathBuf {
        self.dir.join(format!("{}.db.lock", self.module))
    }

    /// A copy under way.
    pub(crate) fn partial(&self) -> PathBuf {
        self.dir.join(format!("{}.db.partial", self.module))
    }

    /// Says that the module's data are not to be opened here, and why. A program that finds it
    /// refuses to start and shows its text.
    pub(crate) fn notice(&self) -> PathBuf {
        self.dir.join(format!("{}.moved", self.module))
    }

    /// Whether a database is here.
    pub(crate) fn has_data(&self) -> bool {
        self.database().exists()
    }

    /// A name for a database that is set aside, never that of a file which is there already.
    pub(crate) fn aside(&self, why: &str) -> PathBuf {
        let plain = format!("{}.db.{why}", self.module);
        let mut path = self.dir.join(&plain);
        let mut number = 1;
        while path.exists() {
            number += 1;
            path = self.dir.join(format!("{plain}.{number}"));
        }
        path
    }

    /// What a move that is under way knows; beside the monolith's data in either direction.
    pub(crate) fn journal(&self) -> PathBuf {
        self.dir.join(format!("{}.move.json", self.module))
    }

    /// Whether the data were moved away from here, or a move is under way.
    pub(crate) fn is_closed(&self) -> bool {
        self.notice().exists()
    }
}

//! What a move that is under way has decided and counted.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::{Inventory, durable};

/// Which way the data go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Direction {
    /// From the monolith to the service.
    Extract,
    /// From the service to the monolith.
    Absorb,
}

impl Direction {
    /// The command that goes this way.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Absorb => "absorb",
        }
    }
}

/// Written before anything is changed, removed when all is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) direction: Direction,
    /// What the source will be called.
    pub(super) retired: PathBuf,
    /// What the source held, once that was counted.
    pub(super) counted: Option<Inventory>,
}

impl Journal {
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        let context = || format!("reading {}", path.display());
        match fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).map(Some).with_context(context),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(context),
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        durable::write(path, &serde_json::to_string_pretty(self)?)
    }
}

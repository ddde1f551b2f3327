//! `campaign.json`.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use super::Campaign;

impl Campaign {
    /// Reads what [`Campaign::save`] wrote.
    ///
    /// # Errors
    /// The file cannot be read, or is not a campaign.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let context = |source| FileError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(context)?;
        serde_json::from_reader(BufReader::new(file))
            .map_err(|source| FileError::Json { path: path.to_owned(), source })
    }

    /// Writes the campaign as JSON that a person can read and a diff can show.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let context = |source| FileError::Write { path: path.to_owned(), source };
        let mut file = BufWriter::new(File::create(path).map_err(context)?);
        serde_json::to_writer_pretty(&mut file, self)
            .map_err(|source| FileError::Json { path: path.to_owned(), source })?;
        file.write_all(b"\n").and_then(|()| file.flush()).map_err(context)
    }
}

/// Why a campaign was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file is not there, or not ours to read.
    #[error("reading {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no room, or no right to write there.
    #[error("writing {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a campaign, or ended early.
    #[error("{} as a campaign", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
}

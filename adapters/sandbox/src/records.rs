//! A directory of JSON files, each written once.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use kernel::sha256_hex;
use serde::{Serialize, de::DeserializeOwned};

/// Why the sandbox's files could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The directory or a file in it could not be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file holds something else than the sandbox writes.
    #[error("{} is not a record of the sandbox", path.display())]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What did not fit.
        #[source]
        source: serde_json::Error,
    },
    /// The task that did the file work was cut off: the program is shutting down.
    #[error("the sandbox's file work was cut off")]
    CutOff(#[from] tokio::task::JoinError),
}

/// What became of an attempt to write a record.
pub(crate) enum Written<T> {
    /// It is there now.
    New,
    /// There was one under that name already, and it stays.
    Before(T),
}

/// Records of one kind. Its calls block: run them through [`blocking`].
#[derive(Clone, Debug)]
pub(crate) struct Records {
    directory: PathBuf,
}

impl Records {
    /// Makes the directory where it is missing.
    pub(crate) fn open(directory: PathBuf) -> Result<Self, SandboxError> {
        fs::create_dir_all(&directory).map_err(io_error(&directory))?;
        Ok(Self { directory })
    }

    /// The same, for reading: a directory that is missing is empty.
    pub(crate) const fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Writes `record` under `key`, unless there is one already.
    pub(crate) fn write<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        record: &T,
    ) -> Result<Written<T>, SandboxError> {
        let path = self.path(key);
        let corrupt = |source| SandboxError::Corrupt { path: path.clone(), source };
        let json = serde_json::to_vec_pretty(record).map_err(corrupt)?;
        // The content is complete before the name exists, and the name is taken by one writer
        // only: a reader never sees half a record, and no record is replaced.
        let mut file = tempfile::Builder::new()
            .prefix(".writing-")
            .tempfile_in(&self.directory)
            .map_err(io_error(&self.directory))?;
        io::Write::write_all(&mut file, &json).map_err(io_error(&path))?;
        file.as_file().sync_all().map_err(io_error(&path))?;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(Written::New),
            Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => {
                read_record(&path).map(Written::Before)
            }
            Err(failed) => Err(io_error(&path)(failed.error)),
        }
    }

    /// The record under `key`, if there is one.
    pub(crate) fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SandboxError> {
        match read_record(&self.path(key)) {
            Ok(record) => Ok(Some(record)),
            Err(SandboxError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// All records, in no order.
    pub(crate) fn read_all<T: DeserializeOwned>(&self) -> Result<Vec<T>, SandboxError> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error(&self.directory)(error)),
        };
        let mut records = Vec::new();
        for entry in entries {
            let path = entry.map_err(io_error(&self.directory))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                records.push(read_record(&path)?);
            }
        }
        Ok(records)
    }

    fn path(&self, key: &str) -> PathBuf {
        self.directory.join(format!("{}.json", digest(key)))
    }
}

/// SHA-256 of `text` in hexadecimal: a file name for any text.
pub(crate) fn digest(text: &str) -> String {
    sha256_hex(text)
}

/// Runs file work where it holds up no other task.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SandboxError> + Send + 'static,
) -> Result<T, SandboxError> {
    tokio::task::spawn_blocking(work).await?
}

fn read_record<T: DeserializeOwned>(path: &Path) -> Result<T, SandboxError> {
    let json = fs::read(path).map_err(io_error(path))?;
    serde_json::from_slice(&json)
        .map_err(|source| SandboxError::Corrupt { path: path.to_owned(), source })
}

pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> SandboxError {
    let path = path.to_owned();
    move |source| SandboxError::Io { path, source }
}

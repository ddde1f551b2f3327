//! What the programs write, in a file for each.

use std::{
    collections::HashMap,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use xtask::shapes::LogSink;

/// Writes `<program>.log`.
#[derive(Debug)]
pub(super) struct LogFiles {
    folder: PathBuf,
    files: Mutex<HashMap<String, Option<File>>>,
}

impl LogFiles {
    pub(super) fn within(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: Mutex::default() }
    }
}

impl LogSink for LogFiles {
    fn line(&self, program: &str, line: &str) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.entry(program.to_owned()).or_insert_with(|| {
            let path = self.folder.join(format!("{program}.log"));
            File::options().create(true).append(true).open(path).ok()
        });
        // Logs are for whoever looks into a failure; that one is lost makes no other.
        if let Some(file) = file {
            let _ = writeln!(file, "{line}");
        }
    }
}

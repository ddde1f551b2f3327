//! Whose signatures count between our programs.

use std::{
    collections::{BTreeSet, HashMap},
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use kernel::{CallingProgram, SpeaksFor, Timestamp};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{KeyError, PublicKey, SigningKey, private_file};

/// What the file of a program's public key is called after the program.
const SUFFIX: &str = ".jwk.json";

/// Longer than the ticks in which any file system counts changes of a directory.
const TICK: Duration = Duration::from_millis(100);

/// The programs whose keys are trusted.
pub struct TrustStore {
    directory: Option<PathBuf>,
    keys: RwLock<Keys>,
}

#[derive(Default)]
struct Keys {
    /// By the key's thumbprint.
    programs: HashMap<String, Trusted>,
    read_at: Option<Timestamp>,
    /// When the directory had last changed before it was read.
    changed_at: Option<SystemTime>,
}

/// What the file of a program's public key lists the modules under that the program speaks for:
/// a member that RFC 7517 §4 leaves to whoever uses the key.
const MODULES: &str = "modules";

/// A program and its key.
#[derive(Clone, Debug)]
pub(crate) struct Trusted {
    pub(crate) program: Arc<CallingProgram>,
    pub(crate) key: PublicKey,
}

impl TrustStore {
    /// How old the keys may become before the directory is read again, so that a program whose
    /// key was taken away is not trusted for ever.
    const MAX_AGE: Duration = Duration::from_secs(60);
    /// How often a directory that has not changed is read at the most, whatever tokens come in.
    const PAUSE: Duration = Duration::from_secs(1);

    /// Trusts the programs that have a `<program>.jwk.json` in the directory at `path`, each to
    /// speak for the modules that the file lists as `modules`, or for all where it lists none. It
    /// is read when the first token comes, and again when a key is unknown, the directory has
    /// changed, or the last reading is a minute old.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self { directory: Some(path.into()), keys: RwLock::default() }
    }

    /// Trusts these programs, each with its public key as a JWK.
    ///
    /// # Errors
    /// One of the keys is none, or stands for two programs.
    pub fn fixed<S: Into<String>>(
        programs: impl IntoIterator<Item = (S, Value)>,
    ) -> Result<Self, KeyError> {
        let mut keys = Keys::default();
        for (program, jwk) in programs {
            keys.add(program.into(), &jwk)?;
        }
        Ok(Self { directory: None, keys: RwLock::new(keys) })
    }

    pub(crate) fn find(&self, kid: &str, now: Timestamp) -> Option<Trusted> {
        let (found, age) = {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            // What was read by a clock that was ahead counts as not read: it would not age until then.
            let read_at = keys.read_at.filter(|read_at| *read_at <= now);
            (keys.programs.get(kid).cloned(), read_at.map(|read_at| now.since(read_at)))
        };
        let Some(directory) = &self.directory else { return found };
        let read_again = match age {
            None => true,
            // A program that is started anew may have other modules.
            Some(age) if found.is_some() => age >= Self::MAX_AGE || self.has_changed(directory),
            Some(age) => age >= Self::PAUSE || self.has_changed(directory),
        };
        if !read_again {
            return found;
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.read(directory, now);
        keys.programs.get(kid).cloned()
    }

    /// A look at the directory itself is cheap, so a program that has just been added is known at
    /// once.
    fn has_changed(&self, directory: &Path) -> bool {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let changed_at = last_change(directory);
        changed_at.is_none() || changed_at != keys.changed_at
    }
}

impl Keys {
    /// Takes the keys that are in the directory now. Where it cannot be read, those that are known
    /// stay; a file that holds no key is passed over.
    fn read(&mut self, directory: &Path, now: Timestamp) {
        let changed_at = last_change(directory);
        self.read_at = Some(now);
        let files = match key_files(directory) {
            Ok(files) => files,
            Err(error) => {
                tracing::warn!(
                    file.path = %directory.display(),
                    error = &error as &dyn std::error::Error,
                    "the directory of trusted keys cannot be read"
                );
                return;
            }
        };
        self.changed_at = changed_at;
        self.programs.clear();
        for (program, path) in files {
            if let Err(error) = read_jwk(&path).and_then(|jwk| self.add(program, &jwk)) {
                let error = error.in_file(&path);
                tracing::warn!(error = &error as &dyn std::error::Error, "a key is not trusted");
            }
        }
    }

    fn add(&mut self, program: String, jwk: &Value) -> Result<(), KeyError> {
        let key = PublicKey::from_jwk(jwk)?;
        let speaks_for = modules_in(jwk)?;
        // By the thumbprint, and not by a name that the file could claim.
        let kid = key.thumbprint();
        if let Some(other) = self.programs.get(&kid) {
            return Err(KeyError::Shared { first: other.program.name.clone(), second: program });
        }
        let program = Arc::new(CallingProgram { name: program, speaks_for });
        self.programs.insert(kid, Trusted { program, key });
        Ok(())
    }
}

impl fmt::Debug for TrustStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let programs: Vec<&str> =
            keys.programs.values().map(|trusted| trusted.program.name.as_str()).collect();
        f.debug_struct("TrustStore")
            .field("directory", &self.directory)
            .field("programs", &programs)
            .finish_non_exhaustive()
    }
}

fn modules_in(jwk: &Value) -> Result<SpeaksFor, KeyError> {
    let Some(modules) = jwk.get(MODULES) else { return Ok(SpeaksFor::All) };
    let modules = BTreeSet::deserialize(modules);
    modules.map(SpeaksFor::Only).map_err(|_| KeyError::Jwk("`modules` must be a list of names"))
}

/// Puts the public half of a program's key into a trust directory, for the others to read, with
/// the `modules` that it speaks for. A program does so when it starts.
///
/// # Errors
/// The file cannot be written.
pub fn publish_key(
    directory: &Path,
    program: &str,
    modules: &[&str],
    key: &SigningKey,
) -> Result<(), KeyError> {
    let path = directory.join(format!("{program}{SUFFIX}"));
    let mut jwk = key.public_jwk();
    jwk[MODULES] = modules.into();
    let content = format!("{jwk:#}\n");
    if fs::read_to_string(&path).is_ok_and(|existing| existing == content) {
        return Ok(());
    }
    private_file::replace_public(&path, &content).map_err(|error| KeyError::file(&path, error))
}

/// Each program with its file, in the order of their names.
fn key_files(directory: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(program) = name.and_then(|name| name.strip_suffix(SUFFIX)) {
            files.push((program.to_owned(), path));
        }
    }
    files.sort();
    Ok(files)
}

fn read_jwk(path: &Path) -> Result<Value, KeyError> {
    let text = fs::read_to_string(path).map_err(|error| KeyError::file(path, error))?;
    serde_json::from_str(&text).map_err(KeyError::Json)
}

/// `None` also where the change is so young that another could have the same time: file systems
/// count in ticks of some milliseconds.
fn last_change(directory: &Path) -> Option<SystemTime> {
    let changed = fs::metadata(directory).and_then(|metadata| metadata.modified()).ok()?;
    let is_settled = SystemTime::now().duration_since(changed).is_ok_and(|age| age >= TICK);
    is_settled.then_some(changed)
}

//! The secrets of a program: what it signs with, whom it trusts, what it seals with.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use kernel::Clock;
use tokens::{HopSigner, Sealer, SigningKey, TrustStore, publish_key};

use crate::config::Config;

/// What auth seals tokens with on their way to notifications: a file under `data.keys_dir`.
pub const SEALING_KEY: &str = "sealing.key";

/// The keys that every program has, read or, where the profile allows it, made at the first start.
pub(crate) struct Keys {
    /// Signs this program's calls to others.
    pub(crate) hop_signer: Arc<HopSigner>,
    /// The public keys of the programs that may call this one.
    pub(crate) trust: Arc<TrustStore>,
}

impl Keys {
    /// Reads the keys of `program`, in which `modules` run, under `data.keys_dir`:
    ///
    /// | file | holds |
    /// |---|---|
    /// | `<program>.pem` | what the program signs with |
    /// | `trust/<program>.jwk.json` | the public half and the modules, for all programs |
    ///
    /// In `local` and `test` missing files are made. In production they must be there.
    pub(crate) fn load(
        config: &Config,
        program: &str,
        modules: &[&str],
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let signing = signing_key(config, &own_key(program))?;
        let trust = config.data.keys().join("trust");
        if config.profile.allows_sandbox() {
            fs::create_dir_all(&trust)
                .with_context(|| format!("{} cannot be made", trust.display()))?;
            publish_key(&trust, program, modules, &signing)?;
        }
        Ok(Self {
            hop_signer: Arc::new(HopSigner::new(signing, program, clock)),
            trust: Arc::new(TrustStore::directory(trust)),
        })
    }
}

/// The file of the key that `program` signs its calls with.
pub(crate) fn own_key(program: &str) -> String {
    format!("{program}.pem")
}

pub(crate) fn signing_key(config: &Config, file: &str) -> anyhow::Result<Arc<SigningKey>> {
    let path = given(config, file)?;
    let key = SigningKey::load_or_create(&path)
        .with_context(|| format!("{} cannot be used", path.display()))?;
    Ok(Arc::new(key))
}

pub(crate) fn sealer(config: &Config) -> anyhow::Result<Arc<Sealer>> {
    let path = given(config, SEALING_KEY)?;
    let sealer = Sealer::load_or_create(&path)
        .with_context(|| format!("{} cannot be used", path.display()))?;
    Ok(Arc::new(sealer))
}

/// A key that must be given and is not.
#[derive(Debug, thiserror::Error)]
#[error("{} is missing: outside the local profiles keys are given, never made; see deploy/README.md", .0.display())]
pub(crate) struct MissingKey(PathBuf);

/// Where `file` is; in the local profiles it may be made there.
pub(crate) fn given(config: &Config, file: &str) -> Result<PathBuf, MissingKey> {
    let path = config.data.keys().join(file);
    if config.profile.allows_sandbox() || path.exists() { Ok(path) } else { Err(MissingKey(path)) }
}

//! The secrets of a program: what it signs with, whom it trusts, what it seals with.

use std::{fs, path::Path, sync::Arc};

use anyhow::Context as _;
use kernel::Clock;
use tokens::{HopSigner, Sealer, SigningKey, TrustStore, publish_key};

use crate::config::Config;

/// The keys of one program, read or, where the profile allows it, made at the first start.
#[derive(Clone)]
pub struct Keys {
    /// Signs this program's calls to others.
    pub hop_signer: Arc<HopSigner>,
    /// The public keys of the programs that may call this one.
    pub trust: Arc<TrustStore>,
    /// Seals what must not be read on its way to another module.
    pub sealer: Arc<Sealer>,
}

impl Keys {
    /// Reads the keys of `program` under `data.keys_dir`:
    ///
    /// | file | holds |
    /// |---|---|
    /// | `<program>.pem` | what the program signs with |
    /// | `trust/<program>.jwk.json` | the public half, for all programs |
    /// | `sealing.key` | what auth seals tokens with for notifications |
    ///
    /// In `local` and `test` missing files are made. In production they must be there.
    ///
    /// # Errors
    /// A file that is missing in production, or cannot be read or written.
    pub fn load(config: &Config, program: &str, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let dir = config.data.keys();
        let trust_dir = dir.join("trust");
        let (own, sealing) = (dir.join(format!("{program}.pem")), dir.join("sealing.key"));
        if config.profile.allows_sandbox() {
            fs::create_dir_all(&trust_dir)
                .with_context(|| format!("{} cannot be made", trust_dir.display()))?;
        } else {
            for file in [&own, &sealing] {
                require(file)?;
            }
        }
        let signing = SigningKey::load_or_create(&own)
            .with_context(|| format!("{} cannot be used", own.display()))?;
        if config.profile.allows_sandbox() {
            publish_key(&trust_dir, program, &signing)?;
        }
        Ok(Self {
            hop_signer: Arc::new(HopSigner::new(Arc::new(signing), program, clock)),
            trust: Arc::new(TrustStore::directory(trust_dir)),
            sealer: Arc::new(
                Sealer::load_or_create(&sealing)
                    .with_context(|| format!("{} cannot be used", sealing.display()))?,
            ),
        })
    }

    /// A signing key of a module, such as the one that auth signs access tokens with.
    ///
    /// # Errors
    /// As [`Keys::load`].
    pub fn signing_key(config: &Config, name: &str) -> anyhow::Result<Arc<SigningKey>> {
        let path = config.data.keys().join(format!("{name}.pem"));
        if !config.profile.allows_sandbox() {
            require(&path)?;
        }
        let key = SigningKey::load_or_create(&path)
            .with_context(|| format!("{} cannot be used", path.display()))?;
        Ok(Arc::new(key))
    }
}

fn require(path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        path.exists(),
        "{} is missing: outside the local profile keys are given, never made; see deploy/README.md",
        path.display()
    );
    Ok(())
}

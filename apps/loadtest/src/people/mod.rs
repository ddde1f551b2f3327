//! Who uses the product during a run, as it is written to `people.json`.

mod roster;
mod seed;
mod sessions;

use std::{fs, path::Path};

use anyhow::Context as _;
use load_report::model::Data;
use serde::{Deserialize, Serialize};

pub use roster::{Actor, Roster};
pub use seed::{Sizes, seed};
pub(crate) use seed::{now, token_from_mail};
pub(crate) use sessions::{keep_fresh, log_in, open, set_subscribers_aside};

/// The password that everybody here has. They are nobody's: it is no secret.
pub const PASSWORD: &str = "correct horse battery staple";

/// What was seeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// What it was made from.
    pub seed: u64,
    /// How much there is.
    pub data: Data,
    /// The organisations.
    pub tenants: Vec<Tenant>,
}

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// Whether it has a subscription.
    pub standing: Standing,
    /// Its members, the owner first.
    pub people: Vec<Person>,
}

/// Whether a tenant has a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It has one, with seats to spare and usage in its past.
    Paying,
    /// It has none yet: each subscribes once, in some run.
    Newcomer,
}

/// Somebody who can log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their address.
    pub email: String,
    /// As it was when they last logged in.
    pub session: Option<Session>,
}

/// What somebody holds who has logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Goes with each request.
    pub access_token: String,
    /// Good for the next session, once.
    pub refresh_token: String,
    /// Seconds since 1970, by the clock of this machine.
    pub expires_at: i64,
}

impl People {
    /// What was written to `path`.
    ///
    /// # Errors
    /// There is no such file, or it is of another form.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is another file", path.display()))
    }

    /// Writes itself to `path`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}

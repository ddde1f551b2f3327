//! The system under test: its programs, the ways between them, and the operators' access to it.

mod ground;
mod keeper;
mod logs;
mod operator;
mod ways;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use xtask::shapes::{self, Binaries, Launch, Program, Running, Schemas};

pub use self::{
    ground::{Engines, Ground, Messages, Stop, restart},
    operator::{Backlog, Waiting},
    ways::Ways,
};
use self::{logs::LogFiles, operator::Operator};

/// The modules, all of which run somewhere.
pub const MODULES: [&str; 3] = ["auth", "billing", "notifications"];

/// The program that clients talk to.
pub const MONOLITH: &str = "monolith";
/// The program that holds billing, where that is extracted.
pub const BILLING: &str = "billing-service";

/// Where billing runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// In the monolith, as everything.
    Monolith,
    /// In a program of its own, over ways that can be cut.
    Billing,
}

/// A running system.
#[derive(Debug)]
pub struct Site {
    running: Running,
    ground: Ground,
    form: Form,
    /// Between the monolith and billing, where they are two programs.
    pub(crate) ways: Option<Ways>,
    operator: Operator,
    clock_file: PathBuf,
    data: PathBuf,
    /// Programs that are to stay down for now.
    held_down: Mutex<BTreeSet<String>>,
    restarts: AtomicU64,
}

/// What a system is started with.
#[derive(Debug)]
pub struct Setup<'a> {
    /// Its programs, which contain the points of campaigns.
    pub binaries: &'a Binaries,
    /// What it stands on.
    pub ground: Ground,
    /// Where billing runs.
    pub form: Form,
    /// Where everything is kept: data, logs, the clock.
    pub folder: &'a Path,
    /// `module::point=actions` that all programs begin with.
    pub armed: &'a [String],
}

impl Site {
    /// Starts a system and waits until it is ready.
    ///
    /// # Errors
    /// A program that does not start, or a way that cannot be laid.
    pub async fn start(setup: Setup<'_>) -> Result<Arc<Self>> {
        let Setup { binaries, ground, form, folder, armed } = setup;
        let ways = match form {
            Form::Monolith => None,
            Form::Billing => Some(Ways::lay(ground.replicas()).await?),
        };
        let clock_file = folder.join("clock");
        std::fs::write(&clock_file, "0\n").context("making the clock")?;
        let data = folder.join("data");
        let operator = Operator::new()?;
        let mut launch = Launch::for_test(&data);
        launch.engine = ground.engine();
        launch.schemas = Schemas::Migrated;
        launch.replicas = ground.replicas();
        launch.settings = settings(&clock_file, armed, operator.token());
        launch.detours = ways.as_ref().map(Ways::detours).unwrap_or_default();
        launch.logs = Arc::new(LogFiles::within(folder));
        let running = shapes::launch(binaries, launch).await?;
        if let Some(ways) = &ways {
            ways.lead(running.programs())?;
        }
        Ok(Arc::new(Self {
            running,
            ground,
            form,
            ways,
            operator,
            clock_file,
            data,
            held_down: Mutex::default(),
            restarts: AtomicU64::new(0),
        }))
    }

    /// Where clients go.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.running.public_url()
    }

    /// Where billing runs.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// All programs.
    #[must_use]
    pub fn programs(&self) -> &[Program] {
        self.running.programs()
    }

    /// What it stands on.
    #[must_use]
    pub const fn ground(&self) -> &Ground {
        &self.ground
    }

    /// All replicas of a program.
    pub fn replicas_of<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Program> {
        self.programs().iter().filter(move |program| is_replica_of(program.name(), name))
    }

    /// The programs that have `module` in them.
    #[must_use]
    pub fn programs_with(&self, module: &str) -> Vec<&Program> {
        self.programs().iter().filter(|program| program.modules().contains(module)).collect()
    }

    /// How often a program was started again so far.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Sets clocks wrong: `0`, `600` for all programs, `billing-service 600` for one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_clock(&self, text: &str) -> Result<()> {
        // Put in place in one step: a program that reads half a number would be wrong by another.
        let draft = self.clock_file.with_extension("draft");
        std::fs::write(&draft, format!("{text}\n"))
            .and_then(|()| std::fs::rename(&draft, &self.clock_file))
            .context("setting the clock")
    }

    /// Keeps a program down, or lets it come up again.
    pub fn hold_down(&self, program: &str, held: Held) {
        let mut held_down = self.held_down.lock().unwrap_or_else(PoisonError::into_inner);
        match held {
            Held::Down => held_down.insert(program.to_owned()),
            Held::Not => held_down.remove(program),
        };
    }

    fn is_held_down(&self, program: &str) -> bool {
        self.held_down.lock().unwrap_or_else(PoisonError::into_inner).contains(program)
    }

    /// Stops every program in order; what it stood on is left.
    ///
    /// # Errors
    /// One did not stop in order.
    pub async fn stop(self: Arc<Self>) -> Result<Ground> {
        let site = Arc::into_inner(self).context("somebody still uses the system")?;
        site.running.stop().await?;
        Ok(site.ground)
    }
}

/// Whether `program` is `name` or another process of the same program, such as `monolith#2`.
fn is_replica_of(program: &str, name: &str) -> bool {
    let rest = program.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
}

/// Whether a program is kept down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It stays down.
    Down,
    /// It is started again.
    Not,
}

/// What the programs are told. Times that bound what is waited for in vain are short, so that a
/// short campaign sees their end; none of them is shorter than a request.
fn settings(clock_file: &Path, armed: &[String], token: &str) -> Vec<(String, String)> {
    let list = serde_json::Value::from(armed.to_vec()).to_string();
    [
        ("INTERNAL__OPERATOR_TOKEN", token.to_owned()),
        ("FAILPOINTS__CLOCK_FILE", clock_file.to_string_lossy().into_owned()),
        ("FAILPOINTS__ARM", list),
        ("BILLING__CHARGE_SECONDS", "3".to_owned()),
        ("AUTH__RESERVATION_PATIENCE_SECONDS", "15".to_owned()),
        ("INTERNAL__DRAIN_SECONDS", "15".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (format!("ASHLAR__{name}"), value))
    .collect()
}

/// The address in a URL such as `http://127.0.0.1:8080`.
fn address_of(url: &str) -> Result<SocketAddr> {
    let address = url.trim_start_matches("http://").parse();
    address.with_context(|| format!("{url} is no address"))
}

/// How long a program may take to come back after all that is done to it.
pub const RECOVERY: Duration = Duration::from_secs(60);

//! Shapes: the same product as one process or as several. Builds, starts, kills and stops them.
//!
//! A monolith is built *without* the modules that run elsewhere, so that what the journeys drive
//! is what a deployment would run.

mod build;
mod engine;
mod ground;
mod logs;
mod plan;
mod ports;
mod program;
mod ready;
mod running;
mod schema;
mod supervisor;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};

pub use build::{Binaries, build};
pub(crate) use build::{PREBUILT, build_in};
pub(crate) use engine::served_url;
pub use engine::{Engine, RealEngines};
pub use ground::{Ground, POSTGRES, RABBITMQ, REDIS};
pub use logs::{LogSink, Quiet, Terminal};
pub(crate) use plan::without_settings;
pub use ports::Ports;
pub(crate) use ports::lease;
pub use program::Program;
pub(crate) use ready::status;
pub use running::Running;

/// Which modules run in processes of their own, and how programs are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    extracted: BTreeSet<String>,
    profile: BuildProfile,
    points: Points,
}

/// How programs are compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BuildProfile {
    /// Quick to build.
    #[default]
    Debug,
    /// Quick to run.
    Release,
}

/// Whether programs contain the points at which a campaign makes them die, wait or misbehave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Points {
    #[default]
    Without,
    With,
}

/// Where one program finds another, when that is not where the other is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detour {
    /// The program that calls, such as `monolith`.
    pub from: String,
    /// The program that it means, such as `billing-service`.
    pub to: String,
    /// What it takes for the other's public listener.
    pub public_url: String,
    /// What it takes for the other's internal listener.
    pub internal_url: String,
}

impl Shape {
    /// The monolith, and each of `modules` (by the names of their crates) beside it.
    #[must_use]
    pub fn extracting<'m>(modules: impl IntoIterator<Item = &'m str>) -> Self {
        let extracted = modules.into_iter().map(str::to_owned).collect();
        Self { extracted, profile: BuildProfile::Debug, points: Points::Without }
    }

    /// The same shape of optimised programs.
    #[must_use]
    pub fn compiled(self, profile: BuildProfile) -> Self {
        Self { profile, ..self }
    }

    /// The same shape of programs that contain the points of campaigns.
    #[must_use]
    pub fn with_failpoints(self) -> Self {
        Self { points: Points::With, ..self }
    }
}

/// How a shape is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The data directory that the programs share; made where it is missing.
    pub data: PathBuf,
    /// The folder that the programs run in, where they look for `ashlar.toml`.
    pub folder: PathBuf,
    /// What they keep their data on, and send their events over.
    pub engine: Engine,
    /// Whether schemas are brought up to date first.
    pub schemas: Schemas,
    /// How many processes of each program there are. On the embedded engine there can be only one.
    pub replicas: usize,
    /// Programs, such as `billing-service`, of which there are another number.
    pub replicas_of: BTreeMap<String, usize>,
    /// Which addresses they bind to.
    pub ports: Ports,
    /// What they are for.
    pub purpose: Purpose,
    /// More settings for all programs, such as `("ASHLAR__SEAM__LOCAL", "loopback")`.
    pub settings: Vec<(String, String)>,
    /// Ways between programs that lead through something else.
    pub detours: Vec<Detour>,
    /// What happens when a program ends that nobody has stopped.
    pub after_crash: AfterCrash,
    /// Who hears what the programs write.
    pub logs: Arc<dyn LogSink>,
}

/// What is done to the schemas before programs start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schemas {
    /// Nothing. On the embedded engine the programs see to them themselves.
    AsTheyAre,
    /// Each program's `migrate` brings them up to date.
    Migrated,
}

/// What programs are started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A person tries the product: the profile is `local`, the caller's own settings count.
    Use,
    /// A test: the profile is `test`, and nothing around the test has a say.
    Test,
}

/// What happens when a program ends that nobody has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCrash {
    /// It is started again, later each time.
    Restart,
    /// It stays down.
    StayDown,
}

impl Launch {
    /// For a test on `ground` and its engines.
    #[must_use]
    pub fn on(ground: &Ground) -> Self {
        let engine = ground.engine().clone();
        let schemas = match engine {
            Engine::Embedded => Schemas::AsTheyAre,
            Engine::Real(_) => Schemas::Migrated,
        };
        Self { engine, schemas, ..Self::for_test(ground.data()) }
    }

    /// For a test on the embedded engine: free ports, nothing inherited, no restarts, no output.
    #[must_use]
    pub fn for_test(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            folder: data.to_owned(),
            engine: Engine::Embedded,
            schemas: Schemas::AsTheyAre,
            replicas: 1,
            replicas_of: BTreeMap::new(),
            ports: Ports::Free,
            purpose: Purpose::Test,
            settings: Vec::new(),
            detours: Vec::new(),
            after_crash: AfterCrash::StayDown,
            logs: Arc::new(Quiet),
        }
    }

    /// The same, with programs that are told these settings besides, such as
    /// `ASHLAR__LOG__FORMAT` and `json`.
    #[must_use]
    pub fn told<N: Into<String>, V: Into<String>>(
        mut self,
        settings: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let settings = settings.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.settings.extend(settings);
        self
    }
}

/// Builds `shape`, starts it for a test on free ports, and waits until every program is ready.
///
/// # Errors
/// A program that does not build or does not become ready; the message ends with what it wrote.
pub async fn start(shape: &Shape, ground: &Ground) -> Result<Running> {
    start_as(shape, Launch::on(ground)).await
}

/// Builds `shape` and starts it as `launch` says.
///
/// # Errors
/// As [`start`].
pub async fn start_as(shape: &Shape, how: Launch) -> Result<Running> {
    let wanted = shape.clone();
    let binaries = tokio::task::spawn_blocking(move || build(&wanted)).await;
    let binaries = binaries.context("building the shape")??;
    launch(&binaries, how).await
}

/// Starts programs that were built, and waits until every one is ready.
///
/// # Errors
/// An address that is in use, or a program that does not become ready.
pub async fn launch(binaries: &Binaries, launch: Launch) -> Result<Running> {
    Running::start(binaries, launch).await
}

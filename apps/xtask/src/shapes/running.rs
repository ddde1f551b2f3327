//! A running shape.

use std::{fs, thread::JoinHandle};

use anyhow::{Context as _, Result, bail};
use futures_util::future;

use super::{Binaries, Launch, Purpose, Schemas, plan, program::Program, schema, supervisor};
use crate::{
    extraction::Place,
    workspace::{MONOLITH, module_name},
};

/// A shape whose programs have been started. Dropping it kills them.
#[derive(Debug)]
pub struct Running {
    /// The monolith first.
    programs: Vec<Program>,
    supervisor: Option<JoinHandle<()>>,
}

impl Running {
    pub(super) async fn start(binaries: &Binaries, launch: Launch) -> Result<Self> {
        // A test wants to hear what the program itself says.
        if launch.purpose == Purpose::Use {
            refuse_moved_data(binaries, &launch)?;
        }
        let data = &launch.data;
        fs::create_dir_all(data).with_context(|| format!("making {}", data.display()))?;
        let planned = plan::plan(binaries, &launch)?;
        if launch.schemas == Schemas::Migrated {
            schema::migrate(&planned, &launch.engine.migrate_settings()).await?;
        }
        let (programs, keepers): (Vec<_>, Vec<_>) = planned
            .into_iter()
            .map(|planned| Program::new(planned, launch.after_crash, launch.logs.clone()))
            .unzip();
        let supervisor = supervisor::supervise(keepers)?;
        let running = Self { programs, supervisor: Some(supervisor) };
        // All at once: a program may be ready only when those that it calls are.
        future::try_join_all(running.programs.iter().map(Program::start)).await?;
        Ok(running)
    }

    /// The public origin of the whole product.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.programs.first().map(Program::public_url).unwrap_or_default()
    }

    /// The public origins of all of the monolith's replicas.
    #[must_use]
    pub fn public_urls(&self) -> Vec<String> {
        let replicas = self
            .programs
            .iter()
            .filter(|program| program.name().split('#').next() == Some(MONOLITH));
        replicas.map(Program::public_url).collect()
    }

    /// All programs, the monolith first.
    #[must_use]
    pub fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// The program of that name: `monolith`, or `<module>-service`; the second replica of one is
    /// `monolith#2`.
    ///
    /// # Errors
    /// The shape has no such program.
    pub fn program(&self, name: &str) -> Result<&Program> {
        let known = || self.programs.iter().map(Program::name).collect::<Vec<_>>().join(", ");
        let found = self.programs.iter().find(|program| program.name() == name);
        found.with_context(|| format!("the shape has no program `{name}`, only {}", known()))
    }

    /// Stops every program in order (SIGTERM), and kills those that take longer than 25 s.
    ///
    /// # Errors
    /// A program failed while stopping, or had to be killed.
    pub async fn stop(self) -> Result<()> {
        let ended = future::join_all(self.programs.iter().map(Program::terminate)).await;
        let failures: Vec<String> = ended
            .into_iter()
            .filter_map(|end| end.err().map(|error| format!("{error:#}")))
            .collect();
        if !failures.is_empty() {
            bail!("{}", failures.join("\n"));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The supervisor ends what still runs, and then itself, when nobody can give orders.
        self.programs.clear();
        if let Some(supervisor) = self.supervisor.take() {
            // A supervisor that panicked has taken its processes with it.
            let _ = supervisor.join();
        }
    }
}

/// A monolith with a module whose data were moved out would refuse to start: say so beforehand,
/// with the commands that help.
fn refuse_moved_data(binaries: &Binaries, launch: &Launch) -> Result<()> {
    for module in &binaries.modules {
        let moved = Place::in_monolith(&launch.data, module).is_closed();
        if moved && !binaries.services.contains_key(module) {
            let name = module_name(module);
            bail!(
                "the data of {name} were moved out of {}. Start the {MONOLITH} with {module} \
                 extracted (`cargo xtask up --extract {module}`), or bring the data back with \
                 `cargo xtask absorb {module}`",
                launch.data.display()
            );
        }
    }
    Ok(())
}

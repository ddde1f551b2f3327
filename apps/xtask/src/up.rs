//! `cargo xtask up`: the product on this machine, in any shape, until Ctrl-C.

use std::{
    collections::BTreeMap,
    path::{self, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    console::say,
    settings::Settings,
    shapes::{
        self, AfterCrash, Binaries, BuildProfile, Engine, Launch, Ports, Purpose, Running, Schemas,
        Shape, Terminal,
    },
    workspace::{MONOLITH, Workspace, service_name},
};

/// What `up` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The modules that run in processes of their own, such as `billing,notifications`.
    #[arg(long, value_name = "MODULES", value_delimiter = ',')]
    extract: Vec<String>,
    /// The data directory; `data` in the repository where nothing is said.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// The port of the public origin. The internal one is 1000 above it, and those of extracted
    /// modules follow each of the two.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    public_port: u16,
    /// Builds optimised programs.
    #[arg(long)]
    release: bool,
}

/// Builds, starts, waits for a signal, and stops.
///
/// # Errors
/// A program that does not build, start or stop.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    let mut extracted = Vec::new();
    for name in &options.extract {
        extracted.push(workspace.module(name)?);
    }
    let compiled = if options.release { BuildProfile::Release } else { BuildProfile::Debug };
    let shape = Shape::extracting(extracted.iter().map(String::as_str)).compiled(compiled);
    say("building…");
    let binaries = shapes::build(&shape)?;
    let names = extracted.iter().map(|module| service_name(module));
    let data = options.data.clone().unwrap_or_else(|| workspace.root().join("data"));
    let launch = Launch {
        // The programs run in the root, which need not be where the command was called.
        data: path::absolute(&data).with_context(|| format!("locating {}", data.display()))?,
        folder: workspace.root().to_owned(),
        // The programs read the configuration themselves.
        engine: Engine::Embedded,
        schemas: schemas(&Settings::read(workspace.root())?),
        replicas: 1,
        replicas_of: BTreeMap::new(),
        ports: Ports::From { public: options.public_port },
        purpose: Purpose::Use,
        settings: Vec::new(),
        detours: Vec::new(),
        after_crash: AfterCrash::Restart,
        logs: Arc::new(Terminal::new([MONOLITH.to_owned()].into_iter().chain(names).collect())),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(binaries, launch))
}

/// Whether somebody is named who may bring schemas up to date. On the embedded engine nobody needs
/// to be; and where nobody is, a program whose schema is behind says what to do.
fn schemas(settings: &Settings) -> Schemas {
    let is_postgres = settings.text("store", "engine").as_deref() == Some("postgres");
    let somebody = ["admin_url", "admin_url_file"];
    let is_named = somebody.iter().any(|key| settings.text("postgres", key).is_some());
    if is_postgres && is_named { Schemas::Migrated } else { Schemas::AsTheyAre }
}

async fn serve(binaries: Binaries, launch: Launch) -> Result<()> {
    // Listened for from the beginning, so that a signal during the start is not lost.
    let (mut terminate, mut interrupt, mut hang_up) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
        signal(SignalKind::hangup())?,
    );
    let mut told_to_stop = std::pin::pin!(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
    });
    let data = launch.data.clone();
    let running = tokio::select! {
        running = shapes::launch(&binaries, launch) => running?,
        // Dropping what has started by now ends it.
        () = &mut told_to_stop => return Ok(()),
    };
    say(where_to_go(&running, &data.display().to_string()));
    told_to_stop.await;
    say("\nstopping…");
    running.stop().await
}

fn where_to_go(running: &Running, data: &str) -> String {
    let url = running.public_url();
    let programs = running.programs().iter().map(|program| {
        let modules: Vec<&str> = program.modules().iter().map(String::as_str).collect();
        let modules =
            if modules.is_empty() { "the gateway alone".to_owned() } else { modules.join(", ") };
        format!(
            "    {:<24} {modules} (pid {}, internal {})",
            program.name(),
            program.pid().map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
            program.internal_url()
        )
    });
    format!(
        "\nAshlar is up at {url}\n    look inside              {url}/\n    \
         try it                   {url}/docs/\n    \
         sent mails               {url}/dashboard/mailbox\n    data                     {data}\n\
         programs\n{}\nStop with Ctrl-C.\n",
        programs.collect::<Vec<_>>().join("\n")
    )
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn schemas_are_migrated_where_somebody_may() {
        let with = |text: &str| {
            let folder = TempDir::new().expect("a folder");
            std::fs::write(folder.path().join("ashlar.toml"), text).expect("it can be written");
            schemas(&Settings::read(folder.path()).expect("it is TOML"))
        };
        let admin = "[postgres]\nadmin_url_file = '/run/secrets/admin'\n";
        assert_eq!(with(&format!("store.engine = 'postgres'\n{admin}")), Schemas::Migrated);
        assert_eq!(with("store.engine = 'postgres'"), Schemas::AsTheyAre);
        assert_eq!(with(&format!("store.engine = 'sqlite'\n{admin}")), Schemas::AsTheyAre);
        assert_eq!(with(""), Schemas::AsTheyAre);
    }
}

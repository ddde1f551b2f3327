//! The command line that every program has.

use std::{fmt, io::Write, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    Program,
    config::{Layers, Mistakes},
    migrate::{Migration, Order, Verdict},
    price,
    telemetry::Telemetry,
};

#[derive(Parser)]
#[command(version, about = "Serves a part of the product; without a command, `serve`.")]
struct Arguments {
    /// The configuration file; `ashlar.toml` where it is left out and such a file is there.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C (the default).
    Serve,
    /// Bring the schemas of the program's modules up to date, and end. On PostgreSQL it is
    /// `postgres.admin_url` that does it: nothing else may create schemas and roles.
    #[command(args_conflicts_with_subcommands = true)]
    Migrate(MigrateArguments),
    /// Check the configuration, and end. Nothing is changed, and nobody is connected to.
    CheckConfig,
    /// Measure what a call to another program costs on this machine, and end. Takes some three
    /// seconds, and needs no configuration.
    Hop,
}

#[derive(Args)]
struct MigrateArguments {
    #[command(subcommand)]
    order: Option<MigrateOrder>,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
struct Which {
    /// Only this module.
    #[arg(long)]
    module: Option<String>,
}

#[derive(Subcommand)]
enum MigrateOrder {
    /// Apply what is missing (the default).
    Up(Which),
    /// Take the last migrations back, with the data that only they have room for.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
        #[command(flatten)]
        which: Which,
    },
    /// Say what is applied and what is missing. The exit status is 3 where a schema is behind this
    /// program, or ahead of it.
    Status(Which),
}

impl MigrateArguments {
    fn into_migration(self) -> Migration {
        match self.order {
            None => Migration { module: self.which.module, order: Order::Up },
            Some(MigrateOrder::Up(which)) => Migration { module: which.module, order: Order::Up },
            Some(MigrateOrder::Down { steps, which }) => {
                Migration { module: which.module, order: Order::Down { steps } }
            }
            Some(MigrateOrder::Status(which)) => {
                Migration { module: which.module, order: Order::Status }
            }
        }
    }
}

/// The exit status of `migrate status` where something is to be done.
const NOT_UP_TO_DATE: u8 = 3;

/// Runs `program` as its command line says. A program's `main` is this call.
#[must_use]
pub fn run(program: Program) -> ExitCode {
    match carry_out(program, Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to report a failure to write this.
            let _ = writeln!(std::io::stderr(), "error: {}", Chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn carry_out(program: Program, arguments: Arguments) -> anyhow::Result<ExitCode> {
    if matches!(arguments.command, Some(Command::Hop)) {
        let figures = serde_json::to_string_pretty(&price::measure()?)?;
        writeln!(std::io::stdout(), "{figures}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut mistakes = Mistakes::default();
    let layers = Layers::read(arguments.config.as_deref(), &mut mistakes);
    let program = program.configured(layers, mistakes)?;
    let command = arguments.command.unwrap_or(Command::Serve);
    if matches!(command, Command::CheckConfig) {
        writeln!(std::io::stdout(), "the configuration is good")?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let telemetry = Telemetry::start(program.name(), program.config(), runtime.handle())?;
    let ended = runtime.block_on(async {
        match command {
            Command::Migrate(arguments) => {
                let migration = arguments.into_migration();
                match program.migrate(&migration, &mut std::io::stdout()).await? {
                    Verdict::Good => Ok(ExitCode::SUCCESS),
                    Verdict::NotUpToDate => Ok(ExitCode::from(NOT_UP_TO_DATE)),
                }
            }
            _ => serve(program.telling(telemetry.clone())).await.map(|()| ExitCode::SUCCESS),
        }
    });
    telemetry.end();
    ended
}

async fn serve(program: Program) -> anyhow::Result<()> {
    // Before anything else, so that a signal during the start is not lost.
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let running = program.start().await?;
    running.announce(&mut std::io::stdout())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: finishing what is in hand");
    running.stop().await;
    Ok(())
}

/// An error and its sources on one line, without what is said twice: errors of databases repeat
/// their sources.
struct Chain<'a>(&'a anyhow::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = String::new();
        for error in self.0.chain() {
            let text = error.to_string();
            if !said.ends_with(&text) {
                write!(f, "{}{text}", if said.is_empty() { "" } else { ": " })?;
                said = text;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_each_thing_once() {
        let source = anyhow::anyhow!("the disk is full");
        let error = source.context("writing failed: the disk is full").context("no start");
        assert_eq!(Chain(&error).to_string(), "no start: writing failed: the disk is full");
    }

    /// The migration that a command line asks for.
    fn migration(words: &[&str]) -> Result<Migration, clap::Error> {
        let line = ["monolith", "migrate"].into_iter().chain(words.iter().copied());
        let arguments = Arguments::try_parse_from(line)?;
        let Some(Command::Migrate(arguments)) = arguments.command else {
            panic!("another command was read");
        };
        Ok(arguments.into_migration())
    }

    #[test]
    fn migrate_alone_is_up() {
        let all = Migration { module: None, order: Order::Up };
        assert_eq!(migration(&[]).expect("a good line"), all);
        assert_eq!(migration(&["up"]).expect("a good line"), all);
        let billing = Migration { module: Some("billing".to_owned()), order: Order::Up };
        assert_eq!(migration(&["--module", "billing"]).expect("a good line"), billing);
        assert_eq!(migration(&["up", "--module", "billing"]).expect("a good line"), billing);
    }

    #[test]
    fn one_step_is_taken_back_unless_more_is_said() {
        let down = |steps| Migration { module: None, order: Order::Down { steps } };
        assert_eq!(migration(&["down"]).expect("a good line"), down(1));
        assert_eq!(migration(&["down", "--steps", "3"]).expect("a good line"), down(3));
        assert!(migration(&["down", "--steps", "0"]).is_err());
        assert!(migration(&["up", "--steps", "1"]).is_err());
        assert!(migration(&["sideways"]).is_err());
    }
}

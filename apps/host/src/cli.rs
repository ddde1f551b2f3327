//! The command line that every program has.

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    Program,
    config::{Layers, Mistakes},
    telemetry,
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

#[derive(Clone, Copy, Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C (the default).
    Serve,
    /// Bring the schemas of the program's modules up to date, and end.
    Migrate,
    /// Check the configuration, and end.
    CheckConfig,
}

/// Runs `program` as its command line says. A program's `main` is this call.
#[must_use]
pub fn run(program: Program) -> ExitCode {
    let arguments = Arguments::parse();
    match carry_out(program, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to report a failure to write this.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(program: Program, arguments: &Arguments) -> anyhow::Result<()> {
    let mut mistakes = Mistakes::default();
    let layers = Layers::read(arguments.config.as_deref(), &mut mistakes);
    let program = program.configured(layers, mistakes)?;
    let command = arguments.command.unwrap_or(Command::Serve);
    if matches!(command, Command::CheckConfig) {
        writeln!(std::io::stdout(), "the configuration is good")?;
        return Ok(());
    }
    telemetry::start(program.config());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Migrate => program.migrate().await,
            _ => {
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
        }
    })
}

//! The team's commands.

use std::process::ExitCode;

use clap::Parser;
use xtask::{check, console, contracts};

/// The team's commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Format, lints, docs, dependency rules, licences, unused dependencies, wire schemas.
    Check(check::Options),
    /// Compares the wire schemas in docs/contracts with the types, or writes them.
    Contracts(contracts::Options),
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Check(options) => check::run(&options),
        Command::Contracts(options) => contracts::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::complain(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

//! The team's commands.

use std::process::ExitCode;

use clap::Parser;
use xtask::{
    advise, bench, chaos, check, console, contracts, extraction, load, new_module, services,
    test_run, up,
};

/// The team's commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Format, lints, docs, dependency rules, licences, unused dependencies, dashboards, alerts, wire
    /// schemas.
    Check(check::Options),
    /// Compares the wire schemas in docs/contracts with the types, or writes them.
    Contracts(contracts::Options),
    /// Builds every shape's programs and runs all tests.
    Test(test_run::Options),
    /// Writes a new module: contract, service, store, migration, routes, tests, program.
    NewModule(new_module::Options),
    /// Starts the product: one process, or some modules in processes of their own.
    Up(up::Options),
    /// Moves a module's data out of the stopped monolith's directory into its service's own.
    Extract(extraction::Options),
    /// Moves a module's data back into the monolith's directory.
    Absorb(extraction::Options),
    /// Starts PostgreSQL, RabbitMQ and Redis for a developer, ends them, tells of them.
    Services(services::Options),
    /// Runs the benchmarks and measures start-up and idle memory.
    Bench(bench::Options),
    /// Drives the same load at every shape, and draws a report of what each cost.
    Load(load::Options),
    /// Says what to do about growth, by what a program measured of itself.
    Advise(advise::Options),
    /// Kills, stops and cuts a running system while clients use it, and accounts for everything.
    Chaos(chaos::Options),
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Check(options) => check::run(&options),
        Command::Contracts(options) => contracts::run(&options),
        Command::Test(options) => test_run::run(&options),
        Command::NewModule(options) => new_module::run(&options),
        Command::Up(options) => up::run(&options),
        Command::Extract(options) => extraction::run_extract(&options),
        Command::Absorb(options) => extraction::run_absorb(&options),
        Command::Services(options) => services::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Load(options) => load::run(&options),
        Command::Advise(options) => advise::run(&options),
        Command::Chaos(options) => chaos::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::complain(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

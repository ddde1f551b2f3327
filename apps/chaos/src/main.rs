//! The kill campaign as a command; `cargo xtask chaos` builds it and hands its arguments on.

use std::process::ExitCode;

use chaos::Options;
use clap::Parser;
use xtask::console::{complain, say};

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome =
        runtime.map_err(anyhow::Error::from).and_then(|it| it.block_on(chaos::run(&options)));
    match outcome {
        Ok(report) => {
            say(report.text());
            if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            complain(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

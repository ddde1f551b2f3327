//! Sends load to a running system, and makes the people who do it.

mod command;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser;
use command::Command;

fn main() -> ExitCode {
    match command::carry_out(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _gone = writeln!(io::stderr().lock(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! Every module in one process.

use std::process::ExitCode;

fn main() -> ExitCode {
    host::run(monolith::program())
}

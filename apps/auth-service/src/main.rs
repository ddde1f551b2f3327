//! The auth module as a program of its own.

use std::process::ExitCode;

use auth_service::Auth;
use host::Program;

fn main() -> ExitCode {
    host::run(Program::new("auth-service").home_of(Auth::default()))
}

//! The notifications module as a program of its own.

use std::process::ExitCode;

use notifications_service::Notifications;
use host::Program;

fn main() -> ExitCode {
    host::run(Program::new("notifications-service").module(Notifications::default()))
}

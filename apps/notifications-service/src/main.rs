//! The notifications module as a program of its own.

use std::process::ExitCode;

use host::Program;
use notifications_service::Notifications;

fn main() -> ExitCode {
    host::run(Program::new("notifications-service").home_of(Notifications::default()))
}

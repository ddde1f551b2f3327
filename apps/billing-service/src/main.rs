//! The billing module as a program of its own.

use std::process::ExitCode;

use billing_service::Billing;
use host::Program;

fn main() -> ExitCode {
    host::run(Program::new("billing-service").home_of(Billing::default()))
}

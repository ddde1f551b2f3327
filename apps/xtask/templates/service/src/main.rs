//! The {{words}} module as a program of its own.

use std::process::ExitCode;

use host::Program;
use {{name}}_service::{{Module}};

fn main() -> ExitCode {
    host::run(Program::new("{{crate}}-service").home_of({{Module}}))
}

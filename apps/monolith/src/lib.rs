//! The monolith: the modules that it was built with, in one process. A module that it was built
//! without runs elsewhere; the configuration says where.

use host::Program;

/// The program with all of its modules.
#[must_use]
pub fn program() -> Program {
    let program = Program::new("monolith");
    #[cfg(feature = "auth")]
    let program = program.module(auth_service::Auth::default());
    #[cfg(feature = "billing")]
    let program = program.module(billing_service::Billing::default());
    #[cfg(feature = "notifications")]
    let program = program.module(notifications_service::Notifications::default());
    program
}

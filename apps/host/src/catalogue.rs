//! All modules of the product, as their contracts describe them. A program knows every module's
//! public paths and events, whether it contains the module or not.

use seam::ModuleDescriptor;

/// All modules, one a line.
pub const MODULES: &[ModuleDescriptor] =
    &[auth_api::MODULE, billing_api::MODULE, notifications_api::MODULE];

/// The sections of the outside systems that a module may be told to use. They are read where that
/// module runs, and may stand in the file that other programs read too.
pub const PROVIDERS: &[&str] = &["sendgrid", "stripe"];

/// The names of all modules.
#[must_use]
pub fn names() -> Vec<&'static str> {
    MODULES.iter().map(|module| module.name).collect()
}

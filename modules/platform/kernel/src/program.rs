//! The program at the other end of a hop.

use std::collections::BTreeSet;

/// The program that a call came from, as its token proved: not on whose behalf it calls, which is
/// the [`Principal`](crate::Principal).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallingProgram {
    /// Its name.
    pub name: String,
    /// Which modules it may speak for.
    pub speaks_for: SpeaksFor,
}

/// Modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeaksFor {
    /// Whoever vouches for the program has not said.
    All,
    /// Those that run in it.
    Only(BTreeSet<String>),
}

impl CallingProgram {
    /// Whether what it says in the name of `module` is the module's own.
    #[must_use]
    pub fn speaks_for(&self, module: &str) -> bool {
        match &self.speaks_for {
            SpeaksFor::All => true,
            SpeaksFor::Only(modules) => modules.contains(module),
        }
    }
}

//! What is being done while a fault comes up.

use std::{cell::Cell, fmt};

/// In place of a module, where it is the program's own code that works.
pub const HOST: &str = "host";

/// Whose work is being done, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The module, or [`HOST`].
    pub module: &'static str,
    /// What it does.
    pub work: Work,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A request is answered, of this method.
    Request(&'static str),
    /// A method of a port is carried out.
    Call {
        /// The port.
        port: &'static str,
        /// The method.
        method: &'static str,
    },
    /// An event is handled by this consumer.
    Event(&'static str),
    /// Work that nobody waits for.
    Job(&'static str),
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(name) | Self::Event(name) | Self::Job(name) => f.write_str(name),
            Self::Call { port, method } => write!(f, "{port}/{method}"),
        }
    }
}

thread_local! {
    /// What this thread is doing.
    static HERE: Cell<Option<Site>> = const { Cell::new(None) };
}

/// What this thread is doing, where somebody has said so: then its panic is caught.
pub(super) fn here() -> Option<Site> {
    // A thread that ends has nothing left to say.
    HERE.try_with(Cell::get).ok().flatten()
}

/// Says what this thread is doing, until it is dropped.
pub(super) struct At(Option<Site>);

impl At {
    pub(super) fn new(site: Site) -> Self {
        Self(HERE.replace(Some(site)))
    }
}

impl Drop for At {
    fn drop(&mut self) {
        HERE.set(self.0);
    }
}

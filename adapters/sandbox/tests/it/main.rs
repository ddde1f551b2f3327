//! The sandbox against the ports' contract suites, and what it promises beyond them.

mod mailbox;
mod payments;

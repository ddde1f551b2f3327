//! The module as its callers, its users and its readers see it.

mod fakes;
mod harness;
mod http;
mod mails;
mod parallel;
mod port;

//! Drives the public HTTP API as a client would. Nothing here knows which shape answers.

mod api;
mod people;

pub use api::{Answer, Api, eventually};
pub use people::{PASSWORD, Person, mails, organization};

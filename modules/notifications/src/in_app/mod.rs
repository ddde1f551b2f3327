//! The in-app inbox: entries for a tenant's members, each read by each member for themselves.

pub(crate) mod english;
mod entity;
mod http;
mod inbox;

pub(crate) use http::routes;
pub(crate) use inbox::{Entry, InAppInbox, put};

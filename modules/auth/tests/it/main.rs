//! Auth over its routes, its port and its events.

mod accepting;
mod audit;
mod contract;
mod fakes;
mod inviting;
mod openapi;
mod parallel;
mod profile;
mod registration;
mod repeating;
mod seats;
mod sessions;
mod support;
mod sweeping;

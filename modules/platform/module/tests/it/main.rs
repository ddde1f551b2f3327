//! Modules that meet in one program.

mod buses;
mod cache;
mod events_between;
mod greeting;
mod modules;
mod ports;

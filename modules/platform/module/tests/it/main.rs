//! Modules that meet in one program.

mod buses;
mod events_between;
mod greeting;
mod modules;
mod ports;

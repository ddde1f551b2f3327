//! Modules that meet in one program.

mod events_between;
mod greeting;
mod modules;
mod ports;

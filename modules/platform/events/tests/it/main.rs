//! The engine over real stores. Time stands still unless a test moves it.

mod dead_letters;
mod entities;
mod faults;
mod inbox;
mod order;
mod postgres;
mod relay;
mod replicas;
mod running;
mod schedule;
mod script;
mod sweep;
mod world;

//! What a module may rely on, tried against real files.

mod entities;
mod idempotency;
mod isolation;
mod migrations;
mod once;
mod pages;
mod publish;
mod rollback;
mod scenario;
mod sqlite;
mod times;
mod world;

//! What a module may rely on, tried against real files.

mod beside;
mod entities;
mod idempotency;
mod isolation;
mod later;
mod migrations;
mod once;
mod pages;
mod pgbouncer;
mod postgres;
mod publish;
mod rollback;
mod scenario;
mod sqlite;
mod storm;
mod times;
mod world;

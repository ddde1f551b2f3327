//! A program as its clients and operators see it, without any module in it.

mod dashboard;
mod docs;
mod gateway;
mod operators;
mod owners;
mod program;
mod start;
mod stop;

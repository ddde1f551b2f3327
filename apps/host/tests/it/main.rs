//! A program as its clients and operators see it, without any module in it.

mod gateway;
mod operators;
mod program;
mod start;

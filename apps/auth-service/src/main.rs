//! The auth module as a program of its own
fn main() {}

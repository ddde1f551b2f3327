//! The team's commands
fn main() {}

//! Every module in one process
fn main() {}

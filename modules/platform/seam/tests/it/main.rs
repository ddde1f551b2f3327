//! What the macros write and refuse, and what the test client catches. That all clients behave
//! alike is shown where all of them are at hand: in the contract suite of the crate `remote`.

mod counter;
mod faults;
mod loopback;
mod meter;
mod schema;
mod slot;
mod ui;

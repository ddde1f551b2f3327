//! For tests: a tracker that remembers, and what every tracker owes to those who tell faults.

mod contract;
mod notebook;

pub use self::{
    contract::{Arrived, TrackerBed, Values, error_tracker_contract},
    notebook::Notebook,
};

//! What stands in for a tracker in tests keeps the contract of trackers.

use std::sync::Arc;

use telemetry::{
    errors::{
        ErrorTracker,
        testing::{Arrived, Notebook, TrackerBed, Values, error_tracker_contract},
    },
    metrics::testing::Gathered,
};

/// What is in a notebook arrives when somebody looks.
struct Desk<'g> {
    notebook: Arc<Notebook>,
    gathered: &'g Gathered,
}

impl TrackerBed for Desk<'_> {
    fn tracker(&self) -> Arc<dyn ErrorTracker> {
        self.notebook.clone()
    }

    fn end(&self) -> Vec<Arrived> {
        self.notebook.take().iter().map(Arrived::from).collect()
    }

    fn lost(&self) -> u64 {
        // It is not there before anything is lost.
        self.gathered.sum("ashlar.errors.dropped", &[]).unwrap_or_default() as u64
    }
}

#[test]
fn a_notebook_keeps_the_contract_of_trackers() {
    let gathered = Gathered::begin();
    let bed = || Desk { notebook: Arc::default(), gathered: &gathered };
    error_tracker_contract(bed, Values::Kept);
}

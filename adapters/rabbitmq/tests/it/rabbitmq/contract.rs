//! The suite that every bus passes.

use super::bed::Bed;

async fn bed() -> Bed {
    Bed::new()
}

testing::bus_contract!(bed());

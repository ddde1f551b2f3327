//! The schema of the billing module

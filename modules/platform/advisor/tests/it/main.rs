//! Situations that were recorded, and what is advised in each.

mod situations;
mod thresholds;

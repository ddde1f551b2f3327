//! The report, over campaigns that are made up.

mod committed;
mod exact;
mod files;
mod findings;
mod made_up;
mod page;
mod properties;
mod statistics;
mod targets;

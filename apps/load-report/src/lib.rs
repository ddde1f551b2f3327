//! What load runs measured, and the report that is drawn from it.
//!
//! The generator writes a [`model::Campaign`]; everything in the report is computed from that file,
//! so that a report can be drawn again, identically, from what was committed:
//!
//! - [`statistics`] puts repeats together and computes figures with their intervals;
//! - [`targets`] compares them with what was asked for, and [`findings`] says in sentences what they
//!   mean;
//! - [`render`] draws the page: one file that fetches nothing, in light and dark, on paper and on a
//!   narrow screen;
//! - [`summary()`] has the same for programs.
//!
//! Plots are SVG drawn by hand. A plotting crate was weighed: `plotters` writes colours and sizes into
//! each element, so that a page could neither follow its reader's light or dark setting nor give a
//! screen reader a title and a description; `charming` ships a JavaScript library of a megabyte with
//! every page. Markup is `maud`'s, which checks it when it is compiled and escapes every text.
//! Quantiles of Student's t are computed here: `statrs` has them, and would bring a linear algebra
//! crate's whole family into the lock file for twenty lines.

pub mod findings;
pub mod format;
pub mod model;
mod page;
mod plot;
pub mod statistics;
mod summary;
pub mod targets;
mod words;

pub use page::render;
pub use summary::{Comparison, Summary, summary};

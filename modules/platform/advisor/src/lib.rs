//! What to do about growth, and when to do nothing: rules over what a program measured of itself.
//!
//! A [`Situation`] holds the figures, each of which may be missing: what a program cannot see of itself
//! it is told by its configuration, or it is *not measured*, and never guessed. [`RULES`] say which
//! figures ask for which step, in the order of the pathway: the cheap before the dear. [`Thresholds`]
//! say from where on. [`advise`] holds them against each other and argues for what it says.
//!
//! *Invariants*: no clock and no I/O, so that a situation that was saved gives the same advice anywhere;
//! a rule whose figures are missing is never met.

mod advice;
mod rules;
mod situation;
mod text;
mod thresholds;

pub use advice::{Advice, Finding, Outcome, Reading, Verdict, advise};
pub use rules::{Condition, RULES, Rule, SHARE, Scope, Side, Subject};
pub use situation::{ModuleSituation, PredictedPrice, Situation, TableSituation};
pub use thresholds::Thresholds;

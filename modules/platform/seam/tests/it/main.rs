//! What the macros write and what they refuse.

mod ui;

//! A figure and what it should be, as `cargo xtask bench` reads it.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;

/// A figure and what it should be.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) target: String,
    pub(crate) is_met: bool,
}

impl Finding {
    /// One line of JSON.
    pub(crate) fn print(&self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, self)?;
        writeln!(out)?;
        Ok(out.flush()?)
    }
}

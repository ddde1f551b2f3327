//! How soon the monolith is ready on data that exist.

use std::time::Instant;

use anyhow::Result;
use load_report::model::{Start, names};

use crate::{
    console::say,
    load::{
        site::{Layout, Shown},
        work::{MONOLITH_AT, Work},
    },
    workspace::MONOLITH,
};

impl Work<'_> {
    /// On the campaign's engine, and on the embedded one, which is what most people start first.
    pub(in crate::load) async fn starts(&mut self, engine: &str) -> Result<()> {
        say("starting the monolith again and again …");
        let shown = self.shown(MONOLITH_AT, Layout::default()).await?;
        self.start_again(shown, engine).await?;
        if engine != names::EMBEDDED {
            let shown = self.site.embedded(&self.candidates[MONOLITH_AT].binaries).await?;
            self.start_again(shown, names::EMBEDDED).await?;
        }
        Ok(())
    }

    async fn start_again(&mut self, shown: Shown, engine: &str) -> Result<()> {
        let monolith = shown.running.program(MONOLITH)?;
        for _ in 0..self.pace.starts {
            monolith.terminate().await?;
            let begun = Instant::now();
            monolith.start().await?;
            let ready = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            let (program, engine) = (MONOLITH.to_owned(), engine.to_owned());
            self.starts.push(Start { program, engine, ready });
        }
        self.site.clear(shown).await
    }
}

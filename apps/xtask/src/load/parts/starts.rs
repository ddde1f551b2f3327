//! How soon the monolith is ready on data that exist.

use std::time::Instant;

use anyhow::Result;
use load_report::model::Start;

use crate::{
    console::say,
    load::{site::Layout, work::Work},
    workspace::MONOLITH,
};

impl Work<'_> {
    pub(in crate::load) async fn starts(&mut self, engine: &str) -> Result<()> {
        say("starting the monolith again and again …");
        let shown = self.shown(0, Layout::default()).await?;
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

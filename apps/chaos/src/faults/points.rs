//! Programs that die, wait or lie exactly between two steps.

use std::time::Duration;

use anyhow::{Context as _, Result};
use events::EngineSettings;
use rand::{RngExt, seq::IndexedRandom};
use tokio::time::{Instant, sleep};
use xtask::shapes::Program;

use super::{Hand, Happened};
use crate::site::RECOVERY;

/// How long the traffic may take to come to a point.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// By how much a relay outstays the lease of its lanes.
const PAST_THE_LEASE: Duration = Duration::from_millis(2_500);

impl<'a> Hand<'a> {
    /// Has a program die the next time it comes to `point`.
    pub(super) async fn die_at(&mut self, point: &str) -> Result<Happened> {
        let program = self.program_with(point)?;
        let alive = program.pid();
        if self.site.arm(program, point, "1*return(kill)").await.is_err() {
            return Ok(Happened::No);
        }
        let begun = Instant::now();
        while program.pid() == alive {
            if begun.elapsed() > PATIENCE {
                self.site.disarm(program, point).await;
                return Ok(Happened::No);
            }
            sleep(LOOK_EVERY).await;
        }
        self.site.recovered(RECOVERY).await?;
        Ok(Happened::Yes)
    }

    /// Has a relay read a batch, stand still past the end of its leases, and go on.
    pub(super) async fn pause_relay(&mut self) -> Result<Happened> {
        const POINT: &str = "events::read_before_publish";

        let program = self.program_with(POINT)?;
        let happened = self.reached_once(program, POINT, "1*return(hold)").await?;
        if happened == Happened::Yes {
            sleep(EngineSettings::default().lease + PAST_THE_LEASE).await;
        }
        self.site.disarm(program, POINT).await;
        Ok(happened)
    }

    /// Puts an event that nobody can handle ahead of good ones.
    pub(super) async fn poison(&mut self) -> Result<Happened> {
        const POINT: &str = "events::poison_ahead";

        let program = self.program_with(POINT)?;
        let kind = if self.dice.random_bool(0.5) { "version" } else { "payload" };
        let actions = format!("1*return({kind})");
        let happened = self.reached_once(program, POINT, &actions).await?;
        self.site.disarm(program, POINT).await;
        Ok(happened)
    }

    /// Has a transaction that wrote to the outbox commit late: rows that were written after its own
    /// have long been sent by then.
    pub(super) async fn late_commit(&mut self) -> Result<Happened> {
        const POINT: &str = "storage::outbox_before_commit";
        const LATE: Duration = Duration::from_millis(4_000);

        let program = self.program_with(POINT)?;
        let actions = format!("1*return(sleep:{})", LATE.as_millis());
        let happened = self.reached_once(program, POINT, &actions).await?;
        if happened == Happened::Yes {
            sleep(LATE).await;
        }
        self.site.disarm(program, POINT).await;
        Ok(happened)
    }

    async fn reached_once(
        &self,
        program: &Program,
        point: &str,
        actions: &str,
    ) -> Result<Happened> {
        let Ok(before) = self.site.reached(program, point).await else { return Ok(Happened::No) };
        self.site.arm(program, point, actions).await?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.site.reached(program, point).await.is_ok_and(|now| now > before) {
                return Ok(Happened::Yes);
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(Happened::No)
    }

    /// A program that comes to `point`: the one with the module, or any for what all have.
    fn program_with(&mut self, point: &str) -> Result<&'a Program> {
        let programs = match point.split_once("::") {
            Some((module @ ("billing" | "notifications"), _)) => self.site.programs_with(module),
            _ => self.site.programs().iter().collect(),
        };
        programs.choose(self.dice).copied().with_context(|| format!("nobody comes to {point}"))
    }
}

//! Programs that die and programs that stand still.

use anyhow::{Context as _, Result};
use rand::{RngExt, seq::IndexedRandom};
use tokio::time::sleep;
use xtask::shapes::Program;

use super::{Hand, Happened};
use crate::site::{Held, RECOVERY};

impl<'a> Hand<'a> {
    /// One of the program's processes, by chance.
    fn one_of(&mut self, name: &'a str) -> Result<&'a Program> {
        let replicas: Vec<&Program> = self.site.replicas_of(name).collect();
        let chosen = replicas.choose(self.dice).copied();
        chosen.with_context(|| format!("there is no program {name}"))
    }

    /// `kill -9`; started again at once, or after an outage.
    pub(super) async fn kill(&mut self, name: &'a str) -> Result<Happened> {
        let program = self.one_of(name)?;
        let stays_down = self.dice.random_bool(0.4);
        if stays_down {
            self.site.hold_down(program.name(), Held::Down);
        }
        let killed = program.kill().await;
        if stays_down {
            sleep(self.pace.outage(self.dice)).await;
            self.site.hold_down(program.name(), Held::Not);
        }
        killed?;
        self.site.recovered(RECOVERY).await?;
        Ok(Happened::Yes)
    }

    /// SIGSTOP and SIGCONT: connections stay open, and nothing comes of them.
    pub(super) async fn freeze(&mut self, name: &'a str) -> Result<Happened> {
        let program = self.one_of(name)?;
        if program.suspend().is_err() {
            return Ok(Happened::No);
        }
        sleep(self.pace.outage(self.dice)).await;
        program.resume()?;
        self.site.recovered(RECOVERY).await?;
        Ok(Happened::Yes)
    }

    /// A second process of a program, whose relay works beside the first one's, stops in order and
    /// comes again.
    pub(super) async fn second_relay(&mut self, name: &'a str) -> Result<Happened> {
        let Some(second) = self.site.replicas_of(name).nth(1) else { return Ok(Happened::No) };
        self.site.hold_down(second.name(), Held::Down);
        let stopped = second.terminate().await;
        sleep(self.pace.outage(self.dice)).await;
        self.site.hold_down(second.name(), Held::Not);
        stopped?;
        self.site.recovered(RECOVERY).await?;
        Ok(Happened::Yes)
    }
}

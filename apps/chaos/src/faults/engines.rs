//! Databases and brokers that restart, die and stay away, under load.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::sleep;

use super::{Hand, Happened};
use crate::site::{Engines, RECOVERY, Stop, restart};

impl<'a> Hand<'a> {
    fn engines(&self) -> Result<&'a Engines> {
        self.site.ground().engines().context("there are no engines")
    }

    /// PostgreSQL stops, and comes again at once or after an outage.
    pub(super) async fn database(&mut self, stop: Stop) -> Result<Happened> {
        use rand::RngExt;

        let away = self.dice.random_bool(0.5);
        let outage = if away { self.pace.outage(self.dice) } else { Duration::ZERO };
        restart(&mut *self.engines()?.postgres().await, stop, outage).await?;
        self.site.recovered(RECOVERY).await?;
        Ok(Happened::Yes)
    }

    /// PostgreSQL stands still: connections stay open, and nothing comes of them.
    pub(super) async fn freeze_database(&mut self) -> Result<Happened> {
        let outage = self.pace.outage(self.dice);
        let postgres = self.engines()?.postgres().await;
        postgres.suspend()?;
        sleep(outage).await;
        postgres.resume()?;
        drop(postgres);
        self.site.recovered(RECOVERY).await?;
        Ok(Happened::Yes)
    }

    /// RabbitMQ stops in order and comes again.
    pub(super) async fn restart_broker(&mut self) -> Result<Happened> {
        self.engines()?.rabbitmq().await.restart().await?;
        Ok(Happened::Yes)
    }

    /// RabbitMQ is killed, and stays away for a while.
    pub(super) async fn kill_broker(&mut self) -> Result<Happened> {
        let outage = self.pace.outage_after(self.before, self.dice);
        let mut rabbitmq = self.engines()?.rabbitmq().await;
        rabbitmq.kill().await;
        sleep(outage).await;
        rabbitmq.start().await?;
        Ok(Happened::Yes)
    }
}

//! One program of a running shape.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use tokio::sync::{mpsc, oneshot};

use super::{
    AfterCrash, LogSink,
    logs::Log,
    plan::Planned,
    ready,
    supervisor::{Ended, Keeper, Observed, Order},
};

/// Longer than a program's own bound on draining (20 s by default).
const PATIENCE_WITH_STOPPING: Duration = Duration::from_secs(25);

/// One program of a running shape, which may be down.
#[derive(Debug)]
pub struct Program {
    planned: Arc<Planned>,
    observed: Arc<Observed>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Program {
    pub(super) fn new(
        planned: Planned,
        after_crash: AfterCrash,
        sink: Arc<dyn LogSink>,
    ) -> (Self, Keeper) {
        let (orders, taken) = mpsc::unbounded_channel();
        let observed = Arc::new(Observed::new(Log::new(&planned.name, sink)));
        let program = Self { planned: Arc::new(planned), observed, orders };
        let keeper = Keeper {
            planned: Arc::clone(&program.planned),
            observed: Arc::clone(&program.observed),
            orders: taken,
            after_crash,
        };
        (program, keeper)
    }

    /// Its name, such as `billing-service`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.planned.name
    }

    /// The modules in it, by their crates.
    #[must_use]
    pub fn modules(&self) -> &BTreeSet<String> {
        &self.planned.modules
    }

    /// Where clients reach it directly.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.planned.public_url()
    }

    /// Where other programs and operators reach it.
    #[must_use]
    pub fn internal_url(&self) -> String {
        self.planned.internal_url()
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.observed.pid()
    }

    /// What it has written, the last 5,000 lines.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.observed.log.lines()
    }

    /// Starts it where it is down, and waits until it is ready.
    ///
    /// # Errors
    /// It ends, or does not become ready in time; the message ends with what it wrote.
    pub async fn start(&self) -> Result<()> {
        self.observed.was_ready.store(false, Ordering::Relaxed);
        self.order(Order::Start).await??;
        match ready::wait(self.planned.listeners.public, || self.pid().is_some()).await {
            Ok(()) => {
                self.observed.was_ready.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                self.kill().await?;
                let (name, tail) = (self.name(), self.observed.log.tail());
                Err(error.context(format!("{name} did not become ready; it wrote:\n{tail}\n")))
            }
        }
    }

    /// Ends it at once, as a crash or a lost machine would (SIGKILL).
    ///
    /// # Errors
    /// The shape was stopped.
    pub async fn kill(&self) -> Result<()> {
        self.order(Order::Kill).await.map(drop)
    }

    /// Ends it in order (SIGTERM), within 25 s.
    ///
    /// # Errors
    /// It failed while stopping, or had to be killed.
    pub async fn terminate(&self) -> Result<()> {
        let name = self.name();
        match self.order(|reply| Order::Terminate(PATIENCE_WITH_STOPPING, reply)).await? {
            Ended::WasDown => Ok(()),
            Ended::With(status) if status.success() => Ok(()),
            Ended::With(status) => {
                bail!("{name} stopped with {status}; it wrote:\n{}", self.observed.log.tail())
            }
            Ended::Killed => {
                let within = PATIENCE_WITH_STOPPING.as_secs();
                bail!("{name} did not stop within {within} s and was killed")
            }
        }
    }

    /// Freezes it, as a stalled machine would (SIGSTOP).
    ///
    /// # Errors
    /// It does not run.
    pub fn suspend(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It does not run.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        if !self.observed.signal(signal) {
            bail!("{} does not run", self.name());
        }
        Ok(())
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let gone = || format!("the supervisor of {} has ended", self.name());
        if self.orders.send(order(reply)).is_err() {
            bail!(gone());
        }
        answer.await.with_context(gone)
    }
}

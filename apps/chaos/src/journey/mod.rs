//! What the clients do: organisations sign up, subscribe, invite, report usage and read, each in a
//! random way that follows from the seed.

mod ask;
mod organization;
mod person;
mod subscribing;
mod team;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use kernel::{Clock as _, SystemClock};
use tokio_util::sync::CancellationToken;

pub use self::{ask::Open, person::Person};
use crate::{client::Client, journal::Journal};

/// Operations that are asked for again at once.
const AT_ONCE: usize = 4;

/// The clients, and what they share.
#[derive(Debug)]
pub struct Traffic {
    client: Client,
    journal: Journal,
    seed: u64,
    /// When all usage was, so that it is neither too late nor too early for a clock that is wrong.
    used_at: String,
    next_tenant: AtomicU64,
    /// Operations of which the client does not know the outcome yet.
    open: Mutex<Vec<Open>>,
    /// Owners who can log in.
    owners: Mutex<Vec<Owner>>,
    /// How many stampedes are to be made, and how many were.
    stampedes_wanted: AtomicU32,
    stampedes_made: AtomicU32,
    /// No new organisation signs up any more.
    closing: CancellationToken,
    /// Nobody waits for a mail any more.
    over: CancellationToken,
}

/// An organisation whose owner can log in.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The organisation's number.
    pub tenant: u64,
    /// Who logs in.
    pub person: Arc<Person>,
}

impl Traffic {
    /// Clients of `client`, who write into `journal`.
    #[must_use]
    pub fn new(client: Client, journal: Journal, seed: u64) -> Self {
        Self {
            client,
            journal,
            seed,
            used_at: (SystemClock.now() - Duration::from_secs(3_600)).to_string(),
            next_tenant: AtomicU64::new(1),
            open: Mutex::default(),
            owners: Mutex::default(),
            stampedes_wanted: AtomicU32::new(0),
            stampedes_made: AtomicU32::new(0),
            closing: CancellationToken::new(),
            over: CancellationToken::new(),
        }
    }

    /// Has `workers` organisations at a time come and go, until [`Traffic::close`]; those that are
    /// here then finish what they do.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub async fn run(self: &Arc<Self>, workers: usize) -> Result<()> {
        let worker = || async {
            while !self.closing.is_cancelled() {
                let number = self.next_tenant.fetch_add(1, Ordering::Relaxed);
                organization::come_and_go(self, number).await?;
            }
            anyhow::Ok(())
        };
        future::try_join_all((0..workers).map(|_| worker())).await.map(drop)
    }

    /// Lets nobody new come.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Has nobody wait any longer for what the system should have sent.
    pub fn end(&self) {
        self.over.cancel();
    }

    /// Has the next subscription be asked for by a hundred requests at once.
    pub fn want_stampede(&self) {
        self.stampedes_wanted.fetch_add(1, Ordering::Relaxed);
    }

    /// How many stampedes there were.
    #[must_use]
    pub fn stampedes(&self) -> u32 {
        self.stampedes_made.load(Ordering::Relaxed)
    }

    /// The owners who have been able to log in.
    #[must_use]
    pub fn owners(&self) -> Vec<Owner> {
        lock(&self.owners).clone()
    }

    /// Asks again for everything whose outcome is not known, each for as long as `patience`; says
    /// how much is left.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub async fn resolve(&self, patience: Duration) -> Result<usize> {
        let open = std::mem::take(&mut *lock(&self.open));
        let asked = open.into_iter().map(|operation| self.ask_again(operation, patience));
        stream::iter(asked).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
        Ok(lock(&self.open).len())
    }

    /// The client that everybody uses.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    fn stampede_is_wanted(&self) -> bool {
        let less = |wanted: u32| wanted.checked_sub(1);
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        self.stampedes_wanted.fetch_update(success, failure, less).is_ok()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

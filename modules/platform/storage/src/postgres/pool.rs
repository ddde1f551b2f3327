//! Connections of one role.
//!
//! A pool of our own rather than sqlx's: that one asks the server a question each time a connection
//! comes back, which doubles the round trips of a read where connections are scarce, waits for the
//! answer for ever, and gives back a connection whose transaction was cut off while it began.
//!
//! *Invariants*: nobody waits for a connection longer than the pool's acquire time, however many
//! were lost on the way, nor for an answer longer than [`STATEMENT_TIME`]; a connection that comes
//! back to the pool is outside of any transaction and has nothing left to say; no more connections
//! are open than the pool may have, those that are being tidied up included (those that nobody used
//! for long are not counted while they say goodbye).

use std::{
    pin::pin,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use admission::{Queue, Refused, Turn};
use sea_orm::{
    ConnAcquireErr, DbErr, QueryResult, RuntimeErr, Statement,
    sqlx::{ConnectOptions as _, Connection as _, Error, PgConnection, postgres::PgConnectOptions},
};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout, timeout_at},
};

use super::{
    config::{Pooler, PostgresConfig},
    errors::is_starting,
    lease::Lease,
    roles::Login,
    tries::Tries,
    waits::{Usage, Waits},
};
use crate::{StoreError, metrics};

/// A connection that nobody used for this long is asked whether it still stands before it is used:
/// the database may have been restarted meanwhile. Busy ones are not: it would cost a round trip.
const QUESTIONABLE: Duration = Duration::from_secs(5);

/// A connection that nobody used for this long is closed.
const IDLE: Duration = Duration::from_secs(600);

/// A connection older than this is closed when it comes back: what the server keeps for it does
/// not grow for ever, and a changed address is noticed.
const LIFETIME: Duration = Duration::from_secs(1800);

/// A connection that came back within this time shows that the server answers.
const FRESH: Duration = Duration::from_secs(1);

/// How long a statement's answer is waited for: longer than the server itself works on one (see
/// `roles::SETTINGS`), so that it runs out only where the server or the way to it stands still.
pub(super) const STATEMENT_TIME: Duration = Duration::from_secs(35);

/// How long a connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// The connections of one role. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    options: PgConnectOptions,
    runtime: Handle,
    naming: Naming,
    most: u32,
    waits: Waits,
    acquire_time: Duration,
    /// A turn for each connection that is in use or being tidied up.
    queue: Queue,
    /// The last used at the end, so that those that are not needed grow old.
    idle: Mutex<Vec<Idle>>,
    /// When a connection last came back as it should be.
    last_back: Mutex<Option<Instant>>,
    closed: AtomicBool,
}

struct Idle {
    connection: PgConnection,
    made: Instant,
    since: Instant,
}

/// A connection out of the pool. Its turn ends with it.
pub(super) struct Leased {
    pub(super) connection: PgConnection,
    made: Instant,
    turn: Turn,
}

/// Whether the server keeps a statement under a name, to be planned once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    Named,
    Unnamed,
}

impl Pool {
    pub(super) fn new(
        module: &'static str,
        config: &PostgresConfig,
        login: Login,
        runtime: Handle,
    ) -> Result<Self, StoreError> {
        let (role, password, most) = match login {
            Login::App => (super::roles::app(module), &config.app_password, config.connections),
            Login::System => {
                let most = config.system_connections;
                (super::roles::system(module), &config.system_password, most)
            }
        };
        let mut options = PgConnectOptions::from_str(&config.url)
            .map_err(|error| StoreError::Configuration { module, source: failed(error) })?
            .username(&role)
            .application_name(&format!("ashlar {module}"));
        if let Some(password) = password {
            options = options.password(password.expose());
        }
        let naming = match config.pooler {
            Pooler::None => Naming::Named,
            Pooler::Transaction => Naming::Unnamed,
        };
        if naming == Naming::Unnamed {
            options = options.statement_cache_capacity(0);
        }
        let most = most.max(1);
        let inner = Arc::new(Inner {
            options,
            runtime,
            naming,
            most,
            waits: Waits::of(&role),
            acquire_time: config.acquire_time,
            queue: Queue::new(&role, most, config.acquire_time),
            idle: Mutex::new(Vec::new()),
            last_back: Mutex::new(None),
            closed: AtomicBool::new(false),
        });
        Inner::close_old_ones(&inner);
        metrics::begin(module);
        inner.waits.tell(&inner, |inner| {
            let (used, waiting) = (inner.queue.taken(), inner.queue.waiting());
            Usage { used, idle: inner.idle().len(), waiting }
        });
        Ok(Self(inner))
    }

    /// Runs one statement that is a transaction of its own. Where its connection turns out to be
    /// gone, it goes over another: a read may be repeated.
    pub(super) async fn read(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.read_in(self.tries(), statement).await
    }

    async fn read_in(
        &self,
        mut tries: Tries<'_>,
        statement: &Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        loop {
            let mut lease = self.lease(&tries).await?;
            match lease.read(statement).await {
                Err(error) if tries.goes_over_another(&error) => {}
                outcome => return outcome.map_err(failed),
            }
        }
    }

    /// Runs a statement to hear whether the server answers. Where all connections are in use and
    /// come and go, it does, and the question does not wait behind the work.
    pub(super) async fn ping(&self, statement: &Statement) -> Result<(), DbErr> {
        let is_full = self.0.queue.is_full();
        let is_closed = self.0.closed.load(Ordering::Acquire);
        if is_full && !is_closed && self.0.last_back().is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(());
        }
        // No part of the load: that there is much of it does not mean that the server is gone.
        self.read_in(self.tries().no_newcomer(), statement).await.map(drop)
    }

    /// Starts a transaction with `begin`; over another connection where the first turns out to be
    /// gone, as nothing was done yet.
    pub(super) async fn begin(&self, begin: &str, tries: &mut Tries<'_>) -> Result<Lease, DbErr> {
        loop {
            let mut lease = self.lease(tries).await?;
            match lease.begin(begin).await {
                Ok(()) => return Ok(lease),
                Err(error) if tries.goes_over_another(&error) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// The attempts at a piece of work that begins now.
    pub(super) fn tries(&self) -> Tries<'_> {
        Tries::new(self, self.0.acquire_time, self.0.most)
    }

    /// Closes the connections that nobody uses.
    pub(super) fn forget_idle(&self) {
        self.0.idle().clear();
    }

    /// A connection, for as long as the lease is held.
    pub(super) async fn lease(&self, tries: &Tries<'_>) -> Result<Lease, DbErr> {
        let deadline = tries.deadline();
        if self.0.closed.load(Ordering::Acquire) {
            return Err(CLOSED);
        }
        let began = Instant::now();
        let turn = if tries.may_be_turned_away() {
            self.0.queue.turn_by(deadline).await
        } else {
            self.0.queue.turn_again_by(deadline).await
        };
        self.0.waits.ended(began.elapsed(), &turn);
        let turn = turn.map_err(unavailable)?;
        while let Some(mut idle) = self.0.pop() {
            let is_sound = idle.since.elapsed() < QUESTIONABLE
                || matches!(timeout_at(deadline, idle.connection.ping()).await, Ok(Ok(())));
            if is_sound {
                let Idle { connection, made, .. } = idle;
                return Ok(Lease::new(self.clone(), Leased { connection, made, turn }));
            }
            self.forget_idle();
        }
        let connection = self.0.connect(deadline).await?;
        let leased = Leased { connection, made: Instant::now(), turn };
        Ok(Lease::new(self.clone(), leased))
    }

    /// Takes back a connection that is as it should be.
    pub(super) fn take_back(&self, leased: Leased) {
        let Leased { connection, made, turn } = leased;
        *self.0.last_back() = Some(Instant::now());
        if self.0.closed.load(Ordering::Acquire) || made.elapsed() > LIFETIME {
            self.0.say_goodbye(connection, Some(turn));
            return;
        }
        let since = Instant::now();
        self.0.idle().push(Idle { connection, made, since });
        // Only now, so that whoever waits for it finds the connection.
        drop(turn);
    }

    /// Waits until all connections are back, and closes them.
    pub(super) async fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        // What is not back by then is given up: it is closed when it comes.
        self.0.queue.close(STATEMENT_TIME).await;
        let idle = std::mem::take(&mut *self.0.idle());
        for idle in idle {
            let _ = timeout(GOODBYE, idle.connection.close()).await;
        }
    }

    pub(super) fn naming(&self) -> Naming {
        self.0.naming
    }

    /// Where connections live: the workers of a web server have runtimes of their own, which end
    /// before the store does.
    pub(super) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }
}

impl Inner {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        // Nothing that is done under it can leave it half done.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_back(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.last_back.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop(&self) -> Option<Idle> {
        self.idle().pop()
    }

    /// Opens a connection. A server that is about to start is waited for.
    async fn connect(&self, deadline: Instant) -> Result<PgConnection, DbErr> {
        let mut wait = Duration::from_millis(10);
        loop {
            let mut connecting = pin!(self.options.connect());
            let connecting = std::future::poll_fn(|cx| {
                // A connection is registered with the runtime that is entered here.
                let _entered = self.runtime.enter();
                connecting.as_mut().poll(cx)
            });
            let error = match timeout_at(deadline, connecting).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => error,
                Err(_) => return Err(TIMED_OUT),
            };
            if !is_starting(&error) || Instant::now() + wait >= deadline {
                return Err(DbErr::Conn(RuntimeErr::SqlxError(error.into())));
            }
            tokio::time::sleep(wait).await;
            wait = (2 * wait).min(Duration::from_millis(200));
        }
    }

    /// Closes, from time to time, what nobody has used for long.
    fn close_old_ones(inner: &Arc<Self>) {
        let pool = Arc::downgrade(inner);
        inner.runtime.spawn(async move {
            loop {
                tokio::time::sleep(IDLE / 4).await;
                let Some(inner) = pool.upgrade() else { return };
                let is_old = |idle: &mut Idle| idle.since.elapsed() >= IDLE;
                let old: Vec<Idle> = inner.idle().extract_if(.., is_old).collect();
                for idle in old {
                    inner.say_goodbye(idle.connection, None);
                }
            }
        });
    }

    /// Ends a connection in the background; its turn is over when it is closed.
    fn say_goodbye(&self, connection: PgConnection, turn: Option<Turn>) {
        self.runtime.spawn(async move {
            let _ = timeout(GOODBYE, connection.close()).await;
            drop(turn);
        });
    }
}

const TIMED_OUT: DbErr = DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);
const CLOSED: DbErr = DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed);

const fn unavailable(refused: Refused) -> DbErr {
    match refused {
        Refused::TimedOut => TIMED_OUT,
        Refused::Closed => CLOSED,
    }
}

/// The failure of a statement as the rest of the store knows it.
pub(super) fn failed(error: Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

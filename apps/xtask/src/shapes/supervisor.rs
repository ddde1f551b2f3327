//! Owns the processes: one task each, all on one thread of the supervisor's own.
//!
//! *Invariant*: a process lives no longer than the thread. The thread ends when the last handle to
//! its programs is gone, and where the whole process is killed, the system ends its children
//! (`setpriv --pdeathsig`, on Linux), so that no orphan keeps a port or a lock on data.

use std::{
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};

use super::{AfterCrash, logs::Log, plan::Planned};

/// A crash after this long is not of the same series as the one before.
const STABLE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What a process can be told.
pub(super) enum Order {
    /// Start, unless it runs.
    Start(oneshot::Sender<Result<()>>),
    /// End at once.
    Kill(oneshot::Sender<Ended>),
    /// End in order, and at once where that takes longer.
    Terminate(Duration, oneshot::Sender<Ended>),
}

/// How a process ended that was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It did not run.
    WasDown,
    /// By itself, with this status.
    With(ExitStatus),
    /// It had to be killed.
    Killed,
}

/// What others see of a process.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) log: Log,
    /// Set once it has answered: from then on a crash is worth a restart.
    pub(super) was_ready: AtomicBool,
    running: Mutex<Option<u32>>,
}

impl Observed {
    pub(super) fn new(log: Log) -> Self {
        Self { log, was_ready: AtomicBool::new(false), running: Mutex::new(None) }
    }

    /// The process id, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn signal(&self, signal: Signal) -> bool {
        let pid = self.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
    }

    fn set(&self, pid: Option<u32>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = pid;
    }
}

/// One process to be.
pub(super) struct Keeper {
    pub(super) planned: Arc<Planned>,
    pub(super) observed: Arc<Observed>,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    pub(super) after_crash: AfterCrash,
}

/// Begins to take orders for `keepers`, until nobody is left who could give one.
pub(super) fn supervise(keepers: Vec<Keeper>) -> Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name("supervisor".to_owned()).spawn(move || {
        runtime.block_on(async {
            let guard = Guard::find().await;
            let mut tasks = JoinSet::new();
            for keeper in keepers {
                tasks.spawn(keeper.keep(guard));
            }
            while tasks.join_next().await.is_some() {}
        });
    });
    thread.context("starting the supervisor")
}

/// Whether the system can end a child with its parent.
#[derive(Clone, Copy)]
enum Guard {
    SetPriv,
    None,
}

const SETPRIV: [&str; 3] = ["--pdeathsig", "TERM", "--"];

impl Guard {
    async fn find() -> Self {
        let mut command = Command::new("setpriv");
        command.args(SETPRIV).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
        match command.status().await {
            Ok(status) if status.success() => Self::SetPriv,
            _ => Self::None,
        }
    }
}

impl Keeper {
    async fn keep(mut self, guard: Guard) {
        let mut child: Option<Child> = None;
        let (mut begun, mut pause, mut restart_at) = (Instant::now(), FIRST_PAUSE, None);
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    None => {
                        end(child.take(), Duration::ZERO).await;
                        self.observed.set(None);
                        return;
                    }
                    Some(Order::Start(reply)) => {
                        let started = if child.is_some() { Ok(()) } else {
                            self.spawn(guard).map(|spawned| child = Some(spawned))
                        };
                        (begun, restart_at) = (Instant::now(), None);
                        // Who gave the order may have gone away; the process stays.
                        let _ = reply.send(started);
                    }
                    Some(Order::Kill(reply)) => {
                        let ended = end(child.take(), Duration::ZERO).await;
                        self.observed.set(None);
                        restart_at = None;
                        let _ = reply.send(ended);
                    }
                    Some(Order::Terminate(within, reply)) => {
                        self.observed.signal(Signal::TERM);
                        let ended = end(child.take(), within).await;
                        self.observed.set(None);
                        restart_at = None;
                        let _ = reply.send(ended);
                    }
                },
                status = exit(&mut child) => {
                    child = None;
                    self.observed.set(None);
                    if begun.elapsed() > STABLE {
                        pause = FIRST_PAUSE;
                    }
                    restart_at = self.after_exit(status, pause).then(|| Instant::now() + pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                () = moment(restart_at) => {
                    restart_at = None;
                    begun = Instant::now();
                    match self.spawn(guard) {
                        Ok(spawned) => child = Some(spawned),
                        Err(error) => self.observed.log.write(&format!("-- {error:#}")),
                    }
                }
            }
        }
    }

    /// Says that the process ended by itself, and whether it is to be started again.
    fn after_exit(&self, status: Option<ExitStatus>, pause: Duration) -> bool {
        let restart = self.after_crash == AfterCrash::Restart
            && self.observed.was_ready.load(Ordering::Relaxed);
        let ended = status.map_or_else(|| "ended".to_owned(), described);
        let next = if restart {
            format!("; starting it again in {:.1} s", pause.as_secs_f32())
        } else {
            String::new()
        };
        self.observed.log.write(&format!("-- {} {ended}{next}", self.planned.name));
        restart
    }

    fn spawn(&self, guard: Guard) -> Result<Child> {
        let planned = &self.planned;
        let mut command = match guard {
            Guard::SetPriv => {
                let mut command = Command::new("setpriv");
                command.args(SETPRIV).arg(&planned.binary);
                command
            }
            Guard::None => Command::new(&planned.binary),
        };
        planned.prepare(&mut command);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C at the terminal is for the supervisor, which then stops all in order.
        command.process_group(0).kill_on_drop(true);
        let mut child =
            command.spawn().with_context(|| format!("starting {}", planned.binary.display()))?;
        if let Some(output) = child.stdout.take() {
            tokio::spawn(read_lines(output, Arc::clone(&self.observed)));
        }
        if let Some(output) = child.stderr.take() {
            tokio::spawn(read_lines(output, Arc::clone(&self.observed)));
        }
        self.observed.set(child.id());
        Ok(child)
    }
}

async fn read_lines(output: impl AsyncRead + Unpin, observed: Arc<Observed>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
        observed.log.write(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

/// Waits for a child that was told to end, and kills it where it does not.
async fn end(child: Option<Child>, within: Duration) -> Ended {
    let Some(mut child) = child else { return Ended::WasDown };
    if let Ok(Ok(status)) = tokio::time::timeout(within, child.wait()).await {
        return Ended::With(status);
    }
    // It fails only where the process has ended in the meantime.
    let _ = child.kill().await;
    Ended::Killed
}

/// Resolves when the child ends by itself; never where there is none.
async fn exit(child: &mut Option<Child>) -> Option<ExitStatus> {
    match child {
        Some(child) => child.wait().await.ok(),
        None => std::future::pending().await,
    }
}

async fn moment(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn described(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests;

//! Processes that may outlive the command that started them.
//!
//! *Invariant*: a signal is sent only to the very process that was started: a process id alone
//! says nothing, since the system gives it to another process sooner or later.

use std::{
    fs,
    process::{Child, Command},
    time::Duration,
};

use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::guard::Guard;
use crate::steps;

/// How often a process that is about to end is looked at.
const PAUSE: Duration = Duration::from_millis(10);

/// One process of all that ever had its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) pid: u32,
    /// When it began, in whatever way the system tells.
    pub(super) began: String,
}

impl Identity {
    /// Of the process that has this id now, and lives.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let seen = look(pid)?;
        (!seen.is_dead).then_some(Self { pid, began: seen.began })
    }

    pub(super) fn lives(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Whether it could be sent.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        self.lives() && pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
    }

    /// The processes that it has started itself and that live.
    fn children(&self) -> Vec<Self> {
        let all = all_with_parents();
        all.into_iter()
            .filter(|(_, parent)| *parent == self.pid)
            .filter_map(|(pid, _)| Self::of(pid))
            .collect()
    }
}

/// A process of an engine.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) identity: Identity,
    /// Where this very command started it: somebody has to take note of its end.
    child: Option<Child>,
    guard: Option<Guard>,
}

impl Process {
    /// Starts it in a process group of its own, so that Ctrl-C at the terminal is not for it.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let shown = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn();
        let mut child = child.map_err(|error| anyhow::anyhow!(error).context(shown.clone()))?;
        match Identity::of(child.id()) {
            Some(identity) => Ok(Self { identity, child: Some(child), guard: None }),
            None => bail!("{shown} ended at once: {}", child.wait()?),
        }
    }

    /// One that another command has started.
    pub(super) fn known(identity: Identity) -> Self {
        Self { identity, child: None, guard: None }
    }

    /// Lets the system end it when this command is gone, in whatever way.
    pub(super) fn guard(&mut self, guard: Guard) {
        self.guard = Some(guard);
    }

    pub(super) const fn is_guarded(&self) -> bool {
        self.guard.is_some()
    }

    /// Lets it live on, whatever becomes of this command.
    pub(super) fn release(self) {
        drop(self.guard);
    }

    pub(super) fn lives(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => self.identity.lives(),
        }
    }

    /// Asks it to end, and tells whether it did in time.
    pub(super) async fn end(&mut self, signal: Signal, within: Duration) -> bool {
        self.identity.signal(signal);
        let begun = Instant::now();
        while self.lives() {
            if begun.elapsed() > within {
                return false;
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.guard = None;
        true
    }

    /// Ends it and its children at once, and waits until they are gone.
    pub(super) async fn kill(&mut self) {
        let family = self.send_kill();
        while self.lives() || family.iter().any(Identity::lives) {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// [`Self::kill`] for those who cannot wait for the children.
    pub(super) fn kill_now(&mut self) {
        self.send_kill();
        if let Some(child) = &mut self.child {
            // It fails only where the process was waited for before.
            let _ = child.wait();
        }
    }

    fn send_kill(&mut self) -> Vec<Identity> {
        self.guard = None;
        // Stopped, it has no more children while they are counted.
        self.identity.signal(Signal::STOP);
        let family = self.identity.children();
        self.identity.signal(Signal::KILL);
        family.iter().for_each(|child| {
            child.signal(Signal::KILL);
        });
        family
    }

    /// Freezes it and its children.
    pub(super) fn suspend(&self) -> bool {
        let stopped = self.identity.signal(Signal::STOP);
        self.identity.children().iter().for_each(|child| {
            child.signal(Signal::STOP);
        });
        stopped
    }

    /// Lets all of them go on.
    pub(super) fn resume(&self) -> bool {
        self.identity.children().iter().for_each(|child| {
            child.signal(Signal::CONT);
        });
        self.identity.signal(Signal::CONT)
    }
}

struct Seen {
    parent: u32,
    is_dead: bool,
    began: String,
}

fn look(pid: u32) -> Option<Seen> {
    if let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) {
        return seen_in_proc(&text);
    }
    if fs::exists("/proc/self/stat").unwrap_or(false) {
        return None;
    }
    let mut command = Command::new("ps");
    let pid = pid.to_string();
    let text = steps::output(command.args(["-o", "ppid=,state=,lstart=", "-p", &pid])).ok()?;
    let (parent, rest) = text.trim().split_once(' ')?;
    let (state, began) = rest.trim().split_once(' ')?;
    let (is_dead, began) = (state.starts_with('Z'), began.trim().to_owned());
    Some(Seen { parent: parent.parse().ok()?, is_dead, began })
}

/// proc(5): the state is the third field, the parent the fourth, the start the 22nd; the second,
/// the name, is in parentheses and may hold any character.
fn seen_in_proc(text: &str) -> Option<Seen> {
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Seen { parent, is_dead: matches!(state, "Z" | "X"), began: fields.nth(17)?.to_owned() })
}

/// Every process with its parent.
fn all_with_parents() -> Vec<(u32, u32)> {
    if let Ok(entries) = fs::read_dir("/proc") {
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        return pids.filter_map(|pid| Some((pid, look(pid)?.parent))).collect();
    }
    let listed = steps::output(Command::new("ps").args(["-A", "-o", "pid=,ppid="]));
    let pair = |line: &str| {
        let (pid, parent) = line.trim().split_once(' ')?;
        Some((pid.parse().ok()?, parent.trim().parse().ok()?))
    };
    listed.unwrap_or_default().lines().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn process(program: &str, arguments: &[&str]) -> Process {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        Process::start(&mut command).expect("it starts")
    }

    #[test]
    fn a_name_may_hold_anything() {
        let text = "7 (a) b (c) S 42 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 991 0";
        let seen = seen_in_proc(text).expect("it is as proc(5) says");
        assert_eq!((seen.parent, seen.is_dead, seen.began.as_str()), (42, false, "991"));
    }

    #[tokio::test]
    async fn the_same_id_is_not_the_same_process() {
        let mut sleeper = process("sleep", &["600"]);
        let other = Identity { began: "1".to_owned(), ..sleeper.identity.clone() };
        assert!(!other.lives() && !other.signal(Signal::KILL));
        assert!(sleeper.lives());
        assert!(sleeper.end(Signal::TERM, PATIENCE).await);
        assert!(!sleeper.lives() && !sleeper.identity.lives());
    }

    #[tokio::test]
    async fn children_die_with_their_parent() {
        let mut shell = process("sh", &["-c", "sleep 600 & sleep 600 & wait"]);
        let begun = Instant::now();
        while shell.identity.children().len() < 2 && begun.elapsed() < PATIENCE {
            tokio::time::sleep(PAUSE).await;
        }
        let children = shell.identity.children();
        assert_eq!(children.len(), 2);
        assert!(shell.suspend() && shell.resume() && shell.lives());
        shell.kill().await;
        assert!(children.iter().all(|child| !child.lives()));
    }

    #[tokio::test]
    async fn what_will_not_end_is_told() {
        let mut deaf = process("sh", &["-c", "trap '' TERM; while :; do sleep 0.01; done"]);
        let begun = Instant::now();
        // The shell needs a moment to set its trap: before that it would end.
        while deaf.identity.children().is_empty() && begun.elapsed() < PATIENCE {
            tokio::time::sleep(PAUSE).await;
        }
        assert!(!deaf.end(Signal::TERM, Duration::from_millis(50)).await);
        deaf.kill().await;
        assert!(!deaf.lives());
    }
}

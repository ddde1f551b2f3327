//! Shell scripts stand in for programs: what they write and how they end is seen from outside.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::{
    super::{LogSink, Ports, Purpose, engine::Value},
    *,
};

/// Hands every line on, so that a test can wait for one.
#[derive(Debug)]
struct Listener(UnboundedSender<String>);

impl LogSink for Listener {
    fn line(&self, _program: &str, line: &str) {
        // Nobody listens any more once a test is over.
        let _ = self.0.send(line.to_owned());
    }
}

struct Stage {
    folder: TempDir,
    observed: Arc<Observed>,
    orders: mpsc::UnboundedSender<Order>,
    lines: UnboundedReceiver<String>,
    supervisor: JoinHandle<()>,
}

impl Stage {
    fn of(script: &str, after_crash: AfterCrash) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (lines, heard) = mpsc::unbounded_channel();
        let observed = Arc::new(Observed::new(Log::new("script", Arc::new(Listener(lines)))));
        let (orders, taken) = mpsc::unbounded_channel();
        let planned = Planned {
            name: "script".to_owned(),
            binary: executable(folder.path(), script),
            modules: BTreeSet::new(),
            listeners: Ports::Free.of_program(0).expect("free ports"),
            folder: folder.path().to_owned(),
            purpose: Purpose::Test,
            settings: vec![("ASHLAR__GREETING".to_owned(), Value::plain("hello"))],
        };
        let keeper = Keeper {
            planned: Arc::new(planned),
            observed: Arc::clone(&observed),
            orders: taken,
            after_crash,
        };
        let supervisor = supervise(vec![keeper]).expect("a thread");
        Self { folder, observed, orders, lines: heard, supervisor }
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> T {
        let (reply, answer) = oneshot::channel();
        assert!(self.orders.send(order(reply)).is_ok(), "the supervisor is there");
        answer.await.expect("it answers")
    }

    async fn start(&self) {
        self.order(Order::Start).await.expect("it starts");
    }

    async fn line(&mut self) -> String {
        self.lines.recv().await.expect("one more line")
    }
}

fn executable(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("script");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be made to run");
    path
}

fn lives(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    rustix::process::test_kill_process(pid).is_ok()
}

#[tokio::test]
async fn a_program_is_told_its_settings_and_heard() {
    let mut stage =
        Stage::of("echo $ASHLAR__GREETING; echo oops >&2; exec sleep 600", AfterCrash::StayDown);
    stage.start().await;
    let mut heard = [stage.line().await, stage.line().await];
    heard.sort();
    assert_eq!(heard, ["hello", "oops"]);
    assert_eq!(stage.order(Order::Kill).await, Ended::Killed);
    assert_eq!(stage.observed.pid(), None);
    assert_eq!(stage.order(Order::Kill).await, Ended::WasDown);
}

#[tokio::test]
async fn a_program_may_end_in_order() {
    let script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done";
    let mut stage = Stage::of(script, AfterCrash::Restart);
    stage.start().await;
    assert_eq!(stage.line().await, "up");
    let terminate = |reply| Order::Terminate(Duration::from_secs(20), reply);
    let Ended::With(status) = stage.order(terminate).await else { panic!("it was killed") };
    assert!(status.success());
    assert_eq!(stage.line().await, "bye");
}

#[tokio::test]
async fn a_program_that_will_not_end_is_killed() {
    let mut stage =
        Stage::of("trap '' TERM; echo up; while :; do sleep 0.01; done", AfterCrash::StayDown);
    stage.start().await;
    assert_eq!(stage.line().await, "up");
    let terminate = |reply| Order::Terminate(Duration::from_millis(50), reply);
    assert_eq!(stage.order(terminate).await, Ended::Killed);
}

#[tokio::test]
async fn a_crash_is_told_and_healed_once_the_program_had_been_ready() {
    let mut stage = Stage::of("echo up; read line < go; exit 3", AfterCrash::Restart);
    let go = stage.folder.path().join("go");
    let made = std::process::Command::new("mkfifo").arg(&go).status().expect("mkfifo is there");
    assert!(made.success());
    stage.start().await;
    stage.observed.was_ready.store(true, Ordering::Relaxed);
    assert_eq!(stage.line().await, "up");
    fs::write(&go, "\n").expect("the script reads");
    assert_eq!(stage.line().await, "-- script ended with status 3; starting it again in 0.5 s");
    assert_eq!(stage.line().await, "up");
    fs::write(&go, "\n").expect("the script reads");
    assert_eq!(stage.line().await, "-- script ended with status 3; starting it again in 1.0 s");
    assert_eq!(stage.line().await, "up");
}

#[tokio::test]
async fn a_program_that_never_was_ready_stays_down() {
    let mut stage = Stage::of("exit 3", AfterCrash::Restart);
    stage.start().await;
    assert_eq!(stage.line().await, "-- script ended with status 3");
}

#[tokio::test]
async fn nobody_to_give_orders_and_the_program_is_gone() {
    let mut stage = Stage::of("echo up; exec sleep 600", AfterCrash::Restart);
    stage.start().await;
    assert_eq!(stage.line().await, "up");
    let pid = stage.observed.pid().expect("it runs");
    assert!(lives(pid));
    drop(stage.orders);
    stage.supervisor.join().expect("the supervisor ends");
    assert!(!lives(pid));
}

//! Ends an engine when the command that started it is gone, even by `kill -9`.
//!
//! A process of its own waits for the end of a pipe whose other end only the command holds. (The
//! system's own way, `PR_SET_PDEATHSIG`, heeds the starting *thread*, which a runtime may end at
//! any time.)

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::process::Identity;

/// `$1` pid, `$2` when it began (Linux only), `$3` signal, `$4` folder to remove, if any.
const SCRIPT: &str = r#"
cat >/dev/null
same() { [ ! -e /proc/self/stat ] || [ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)" = "$2" ]; }
if same "$1" "$2"; then
    kill -CONT "$1"; kill "-$3" "$1"
    tries=0
    while kill -0 "$1" 2>/dev/null && same "$1" "$2" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    if same "$1" "$2"; then kill -KILL "$1"; fi
fi 2>/dev/null
if [ $# -gt 3 ]; then rm -rf "$4"; fi
"#;

/// The waiting process. Dropping this calls it off.
#[derive(Debug)]
pub(super) struct Guard {
    waiting: Child,
    /// Its end is what is waited for.
    _pipe: Option<ChildStdin>,
}

/// How an engine is ended that nobody needs any more.
#[derive(Clone, Copy, Debug)]
pub(super) enum Farewell {
    /// PostgreSQL's immediate shutdown (SIGQUIT), which takes the children along.
    Quit,
    /// SIGKILL.
    Kill,
    /// SIGTERM, for those who end others in turn.
    Terminate,
}

impl Guard {
    /// Watches over `process`, and removes `folder` after it.
    pub(super) fn over(
        process: &Identity,
        farewell: Farewell,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let signal = match farewell {
            Farewell::Quit => "QUIT",
            Farewell::Kill => "KILL",
            Farewell::Terminate => "TERM",
        };
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh", &process.pid.to_string(), &process.began, signal]);
        command.args(folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut waiting = command.spawn().context("starting the guard of an engine")?;
        let pipe = waiting.stdin.take();
        Ok(Self { waiting, _pipe: pipe })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The shell and its `cat`: one ends with the pipe, the other must not go on then. Both
        // calls fail only where it has ended.
        let _ = self.waiting.kill();
        let _ = self.waiting.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;
    use tokio::time::Instant;

    use super::{super::process::Process, *};

    fn sleeper() -> Process {
        Process::start(Command::new("sleep").arg("600").stdin(Stdio::null())).expect("it starts")
    }

    #[tokio::test]
    async fn the_engine_and_its_data_go_with_the_pipe() {
        let (mut engine, scratch) = (sleeper(), TempDir::new().expect("a folder"));
        let data = scratch.path().join("data");
        std::fs::create_dir(&data).expect("it can be made");
        let mut guard =
            Guard::over(&engine.identity, Farewell::Kill, Some(&data)).expect("it starts");
        assert!(engine.lives() && data.exists());
        drop(guard._pipe.take());
        let begun = Instant::now();
        while (engine.lives() || data.exists()) && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!engine.lives() && !data.exists());
    }

    #[tokio::test]
    async fn a_guard_that_is_called_off_does_nothing() {
        let (mut engine, scratch) = (sleeper(), TempDir::new().expect("a folder"));
        let guard = Guard::over(&engine.identity, Farewell::Kill, Some(scratch.path()));
        drop(guard.expect("it starts"));
        assert!(engine.lives() && scratch.path().exists());
        engine.kill().await;
    }
}

//! A Prometheus for a test.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{
    guard::{Farewell, Guard},
    process::Process,
    programs,
};
use crate::{shapes, tools::Install};

const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// A Prometheus on a free port of loopback, which ends with this value.
#[derive(Debug)]
pub struct Prometheus {
    process: Process,
    port: u16,
    _lease: File,
    /// Its data.
    _folder: TempDir,
}

impl Prometheus {
    /// Starts one with this configuration, and waits until it answers.
    ///
    /// # Errors
    /// It is not installed, or it does not start; the message ends with what it wrote.
    pub async fn start(configuration: &Path) -> Result<Self> {
        let program = programs::prometheus(Install::default())?;
        let folder = TempDir::new().context("making a folder for Prometheus")?;
        let (port, lease) = shapes::lease()?;
        let log = folder.path().join("log");
        let mut process = begin(&program, configuration, folder.path(), port, &log)?;
        process.guard(Guard::over(&process.identity, Farewell::Kill, Some(folder.path()))?);
        let begun = Instant::now();
        while !matches!(shapes::status(port, "/-/ready").await, Ok(200)) {
            if !process.lives() || begun.elapsed() > PATIENCE {
                process.kill().await;
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("Prometheus did not start:\n{said}");
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Self { process, port, _lease: lease, _folder: folder })
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn begin(
    program: &PathBuf,
    configuration: &Path,
    folder: &Path,
    port: u16,
    log: &Path,
) -> Result<Process> {
    let output = File::create(log).with_context(|| format!("making {}", log.display()))?;
    let mut command = Command::new(program);
    command.arg("--config.file").arg(configuration);
    command.arg("--storage.tsdb.path").arg(folder.join("data"));
    command.arg("--web.listen-address").arg(format!("127.0.0.1:{port}"));
    command.args(["--log.level", "warn"]).stdin(Stdio::null());
    Process::start(command.stdout(output.try_clone()?).stderr(output))
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.process.kill_now();
    }
}

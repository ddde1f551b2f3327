//! The independent stand-in for Stripe that the tests of `adapters/stripe` are run against.

use std::{
    env,
    fs::{self, File},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use kernel::Secret;
use tokio::time::Instant;

use super::{
    guard::{Farewell, Guard},
    install,
    process::Process,
};
use crate::{console::say, shapes, steps, tools::Install, workspace::Workspace};

/// Tells the tests where it is.
const VARIABLE: &str = "ASHLAR_TEST_LOCALSTRIPE";
const SCRIPT: &str = "adapters/stripe/tests/peer/run.sh";
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// The stand-in: installed, and running once it was started. It ends with this value.
#[derive(Debug)]
pub(super) struct Peer {
    script: PathBuf,
    environment: PathBuf,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    process: Process,
    port: u16,
    _lease: File,
}

impl Peer {
    /// Makes sure that it can be started; none where the environment names one.
    pub(super) fn plan(workspace: &Workspace, install: Install) -> Result<Option<Self>> {
        if env::var_os(VARIABLE).is_some() {
            say(format_args!("Stripe's stand-in: the one that {VARIABLE} names"));
            return Ok(None);
        }
        let peer = Self {
            script: workspace.root().join(SCRIPT),
            environment: workspace.target().join("peers/localstripe"),
            running: None,
        };
        if !peer.environment.join("bin/localstripe").exists() {
            peer.install(install)?;
        }
        Ok(Some(peer))
    }

    fn install(&self, install: Install) -> Result<()> {
        let environment = self.environment.display();
        if !install.install {
            bail!(
                "localstripe is not installed; the Stripe adapter is tested against it. Install it \
                 with\n    {SCRIPT} {environment} --install\nwhich needs python3-venv and a \
                 connection to PyPI, or run this command again with --install. Or leave it out \
                 with --embedded"
            );
        }
        let has_venv = || steps::output(Command::new("python3").args(["-c", "import ensurepip"]));
        if has_venv().is_err() {
            install::packages(&["python3-venv"])?;
        }
        say("installing localstripe");
        if !steps::succeeds(self.command().arg("--install"))? {
            bail!("localstripe could not be installed; see above");
        }
        Ok(())
    }

    /// Starts it, and waits until it answers.
    pub(super) async fn start(&mut self) -> Result<()> {
        let (port, lease) = shapes::lease()?;
        let log = self.log();
        let output = File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let mut command = self.command();
        command.arg(port.to_string()).stdin(Stdio::null());
        let mut process =
            Process::start(command.stdout(output.try_clone()?).stderr(output.try_clone()?))?;
        process.guard(Guard::over(&process.identity, Farewell::Terminate, None)?);
        let begun = Instant::now();
        while !fs::read_to_string(&log).is_ok_and(|said| said.contains("ready http")) {
            if !process.lives() || begun.elapsed() > PATIENCE {
                process.kill().await;
                bail!("localstripe did not start: see {}", log.display());
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.running = Some(Running { process, port, _lease: lease });
        Ok(())
    }

    /// What tests are told.
    pub(super) fn variable(&self) -> Option<(&'static str, Secret)> {
        let port = self.running.as_ref()?.port;
        Some((VARIABLE, Secret::new(format!("http://127.0.0.1:{port}"))))
    }

    pub(super) fn log(&self) -> PathBuf {
        self.environment.join("log")
    }

    fn command(&self) -> Command {
        let mut command = Command::new("bash");
        command.arg(&self.script).arg(&self.environment);
        command
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.process.kill_now();
        }
    }
}

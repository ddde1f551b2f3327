//! One read of the monolith against the same written by hand, with its guarantees and without.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use kernel::Secret;
use load_report::model::{Load, Part, Run, names};
use loadtest::client::{Client, Request};
use tokio::process::{Child, Command};

use crate::{
    console::say,
    load::{
        build,
        generator::{Generator, Order},
        site::{Layout, Shown},
        watch::Watched,
        work::{MONOLITH_AT, Work},
    },
    shapes::lease,
    workspace::MONOLITH,
};

/// People who ask, are answered and ask again at once: more than there are connections to the
/// database, so that what is slow is waited for.
const PEOPLE: u32 = 16;
/// The module that is read.
const MODULE: &str = "billing";
/// How long a program without schemas may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// A handler that is measured: the report's name for it, what it vouches for, and whose rights it has.
struct ByHand {
    name: &'static str,
    guarantees: &'static str,
    database: Secret,
}

impl Work<'_> {
    /// The monolith, then the handlers, on each copy of the same data. On PostgreSQL alone: no
    /// statement carries its tenant on the embedded engine.
    pub(in crate::load) async fn baseline(&mut self) -> Result<()> {
        if self.site.postgres().is_none() {
            return Ok(());
        }
        say("building the handler by hand …");
        build(self.workspace, self.options.profile(), "baseline")?;
        for repeat in 0..self.pace.repeats {
            let all = self.pace.repeats;
            say(format_args!("against a handler by hand, {} of {all} …", repeat + 1));
            let shown = self.shown(MONOLITH_AT, Layout::default()).await?;
            let measured = self.by_turns(&shown, repeat).await;
            self.site.clear(shown).await?;
            self.runs.extend(measured?);
        }
        Ok(())
    }

    async fn by_turns(&self, shown: &Shown, repeat: u32) -> Result<Vec<Run>> {
        let of = |name: &str, run| Run {
            part: Part::Baseline,
            shape: name.to_owned(),
            variant: String::new(),
            repeat,
            ..run
        };
        let order = Order {
            scenario: "one-read".to_owned(),
            load: Load::Closed { people: PEOPLE },
            think: 0.0,
            ..self.order(0.0, repeat)
        };
        let keys = shown.folder().join("keys.json");
        fs::write(&keys, public_keys(&shown.url).await?).context("writing the keys")?;
        let monolith = shown.running.program(MONOLITH)?;
        // Who comes later finds a warmer machine.
        let is_first = repeat.is_multiple_of(2);
        let mut runs = Vec::new();
        if is_first {
            runs.push(of(names::MONOLITH, self.measure(shown, &order)?));
        }
        // What it does in the background is nobody else's cost.
        monolith.terminate().await?;
        let [app, superuser] = self.site.logins(shown, MODULE)?;
        let mut handlers = [
            ByHand { name: names::BY_HAND, guarantees: "kept", database: app.clone() },
            ByHand { name: names::REMEMBERING, guarantees: "remembered", database: app },
            ByHand { name: names::BARE, guarantees: "none", database: superuser },
        ];
        if !is_first {
            handlers.reverse();
        }
        for handler in &handlers {
            let program = self.options.built(self.workspace, "baseline");
            let served = Served::start(program, handler, &keys).await?;
            let mut watched = self.site.watched(shown);
            watched.extend(served.watched(handler.name));
            let generator = Generator { url: served.url(), ..self.generator(shown) };
            runs.push(of(handler.name, generator.run(&order, watched)?));
        }
        if !is_first {
            monolith.start().await?;
            runs.push(of(names::MONOLITH, self.measure(shown, &order)?));
        }
        Ok(runs)
    }
}

async fn public_keys(url: &str) -> Result<Vec<u8>> {
    let client = Client::new(url, Duration::from_secs(5))?;
    let answer = client.send(&Request::to("GET /.well-known/jwks.json")).await.outcome;
    let answer = answer.map_err(|failure| anyhow!("no keys: {}", failure.name()))?;
    Ok(answer.body.to_vec())
}

/// A handler at work; it ends when this is dropped.
struct Served {
    child: Child,
    port: u16,
    _lease: fs::File,
}

impl Served {
    async fn start(program: PathBuf, handler: &ByHand, keys: &Path) -> Result<Self> {
        let (port, lease) = lease()?;
        let child = Command::new(&program)
            .args(["--guarantees", handler.guarantees, "--port", &port.to_string(), "--keys"])
            .arg(keys)
            .env("ASHLAR_BASELINE_POSTGRES", handler.database.expose())
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut served = Self { child, port, _lease: lease };
        served.wait().await?;
        Ok(served)
    }

    async fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        while !matches!(crate::shapes::status(self.port, "/health/ready").await, Ok(200)) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the handler by hand ended with {status}");
            }
            ensure!(begun.elapsed() < PATIENCE, "the handler by hand is not ready");
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn watched(&self, name: &str) -> Option<Watched> {
        self.child.id().map(|pid| Watched { name: name.to_owned(), pid })
    }
}

//! A campaign from its beginning to its report.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use sandbox::SandboxGateway;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use xtask::{
    console::say,
    services::{self, Engine, Otherwise},
    shapes::{self, Shape},
    workspace::Workspace,
};

use crate::{
    client::Client,
    faults::{Fault, Schedule, applicable, read_timeline},
    journal::{self, Journal},
    journey::Traffic,
    ledger::{self, Evidence, payments_of},
    options::{EngineKind, Options},
    quiet,
    report::{Circumstances, Parts, Report},
    site::{Form, Ground, RECOVERY, Setup, Site},
};

const JOURNAL: &str = "journal.jsonl";
const TIMELINE: &str = "timeline.jsonl";
const EVIDENCE: &str = "evidence.json";
const CIRCUMSTANCES: &str = "circumstances.json";

/// How long organisations may take to finish what they do once all is healed.
const FINISHING: Duration = Duration::from_secs(45);
/// A mail that was to be sent while clocks were ten minutes ahead is sent when they have passed.
const SKIPPED: u32 = 700;
/// How long is asked again for what can be known as things stand.
const SOON_KNOWN: Duration = Duration::from_secs(12);
/// How long is asked again for what must be known.
const UNTIL_KNOWN: Duration = Duration::from_secs(60);

/// Runs a campaign, or judges an earlier one again.
///
/// # Errors
/// What keeps a campaign from being run or judged. That it found something is in the report.
pub async fn run(options: &Options) -> Result<Report> {
    if let Some(folder) = &options.recheck {
        return judge(folder);
    }
    if options.engine == EngineKind::Real {
        // Before the minutes that building takes.
        let install = options.install;
        let engines = [Engine::Postgres, Engine::RabbitMq];
        let ensured = move || services::ensure(&engines, install, Otherwise::Nothing);
        tokio::task::spawn_blocking(ensured).await.context("looking for engines")??;
    }
    let seed = options.seed.unwrap_or_else(any_seed);
    let folder = match &options.out {
        Some(folder) => folder.clone(),
        None => Workspace::find()?.target().join("chaos").join(format!("{}-{seed}", stamp())),
    };
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let extracted: &[&str] = match options.shape {
        Form::Monolith => &[],
        Form::Billing => &["billing"],
    };
    let shape = Shape::extracting(extracted.iter().copied()).with_failpoints();
    say("building…");
    let binaries = tokio::task::spawn_blocking(move || shapes::build(&shape));
    let binaries = binaries.await.context("building the programs")??;
    let armed = options.broken.map(|promise| promise.switches()).unwrap_or_default();
    let ground = match options.engine {
        EngineKind::Embedded => Ground::Embedded,
        EngineKind::Real => Ground::real().await?,
    };
    let form = options.shape;
    let setup = Setup { binaries: &binaries, ground, form, folder: &folder, armed: &armed };
    let site = Site::start(setup).await?;
    say(format_args!("seed {seed}, in {}", folder.display()));
    Campaign { options, seed, folder: &folder }.carry_out(site).await?;
    judge(&folder)
}

struct Campaign<'a> {
    options: &'a Options,
    seed: u64,
    folder: &'a Path,
}

impl Campaign<'_> {
    /// Leaves all that there is to judge in the folder.
    async fn carry_out(&self, site: Arc<Site>) -> Result<()> {
        let journal = Journal::create(&self.folder.join(JOURNAL))?;
        let client = Client::new(site.public_url())?;
        let traffic = Arc::new(Traffic::new(client, journal, self.seed));
        let stop = CancellationToken::new();
        let keeper = tokio::spawn(Arc::clone(&site).keep_up(stop.clone()));
        let clients = tokio::spawn({
            let (traffic, workers) = (Arc::clone(&traffic), self.options.clients);
            async move { traffic.run(workers).await }
        });

        let wanted = applicable(self.options);
        let begun = Instant::now();
        self.schedule(wanted.clone()).run(&site, &traffic, &self.folder.join(TIMELINE)).await?;
        let seconds = begun.elapsed().as_secs();

        say(format_args!("{seconds} s of faults are over; coming to rest…"));
        let begun = Instant::now();
        site.recovered(RECOVERY).await?;
        let ahead = settle(&site, &traffic, clients).await?;
        let mut rest = quiet::come_to_rest(&site, ahead).await?;
        // What was claimed by a clock that was wrong is free only when that time has come.
        if traffic.resolve(UNTIL_KNOWN).await? > 0 {
            say("some operations stay unknown");
        }
        let waited = rest.waited;
        rest = quiet::come_to_rest(&site, rest.ahead).await?;
        rest.waited += waited;
        let rest_seconds = begun.elapsed().as_secs();
        let told = ledger::told(traffic.client(), &traffic.owners()).await?;
        stop.cancel();
        keeper.await.context("the keeper of programs")?;
        let (data, restarts) = (site.data().to_owned(), site.restarts());
        let system = format!("{:?}, {:?}", self.options.engine, self.options.shape);
        let ground = site.stop().await?;

        let mut evidence = ledger::collect(&data, &ground, told).await?;
        evidence.came_to_rest = rest.is_complete;
        if !rest.is_complete {
            say(format_args!("not at rest: {:?}", rest.left));
        }
        write(&self.folder.join(EVIDENCE), &evidence)?;
        let circumstances = Circumstances {
            seed: self.seed,
            system: system.to_lowercase(),
            seconds,
            rest_seconds,
            restarts,
            wanted,
        };
        write(&self.folder.join(CIRCUMSTANCES), &circumstances)
    }

    fn schedule(&self, faults: Vec<Fault>) -> Schedule {
        let (time, pace) = (self.options.time(), self.options.pace());
        Schedule { faults, time, pace, seed: self.seed }
    }
}

/// Lets everybody finish, and asks again for what is not known. Says by how many seconds the clocks
/// are ahead then.
async fn settle(
    site: &Site,
    traffic: &Traffic,
    mut clients: tokio::task::JoinHandle<Result<()>>,
) -> Result<u32> {
    traffic.close();
    let mut ahead = 0;
    match timeout(FINISHING, &mut clients).await {
        Ok(ended) => ended.context("the clients")??,
        Err(_) => {
            // Somebody waits for a mail whose time has not come.
            ahead = SKIPPED;
            site.set_clock(&ahead.to_string())?;
            let finished = timeout(FINISHING, &mut clients).await;
            traffic.end();
            let ended = match finished {
                Ok(ended) => ended,
                Err(_) => clients.await,
            };
            ended.context("the clients")??;
        }
    }
    // What was cut off while the provider was unreachable can be known only now.
    SandboxGateway::open(payments_of(site.data()))?.come_back()?;
    traffic.resolve(SOON_KNOWN).await?;
    Ok(ahead)
}

/// Judges what is in `folder`, and writes the report there.
fn judge(folder: &Path) -> Result<Report> {
    let journal = journal::read(&folder.join(JOURNAL))?;
    let timeline = read_timeline(&folder.join(TIMELINE))?;
    let evidence: Evidence = read(&folder.join(EVIDENCE))?;
    let circumstances: Circumstances = read(&folder.join(CIRCUMSTANCES))?;
    let parts = Parts { wanted: &circumstances.wanted, timeline: &timeline, journal: &journal };
    let report = Report::new(&circumstances, parts, ledger::check(&journal, &evidence));
    report.write(folder)?;
    Ok(report)
}

fn write<T: serde::Serialize>(path: &PathBuf, value: &T) -> Result<()> {
    let json = serde_json::to_vec_pretty(value)?;
    fs::write(path, json).with_context(|| format!("writing {}", path.display()))
}

fn read<T: serde::de::DeserializeOwned>(path: &PathBuf) -> Result<T> {
    let context = || format!("reading {}", path.display());
    serde_json::from_slice(&fs::read(path).with_context(context)?).with_context(context)
}

fn any_seed() -> u64 {
    // Small enough to be typed in again.
    rand::random_range(1..1_000_000)
}

fn stamp() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

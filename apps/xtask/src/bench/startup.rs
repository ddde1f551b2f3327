//! How long the release monolith takes to be ready on data that exist, and what it holds while idle.

use std::{
    collections::BTreeMap,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::report::Finding;
use crate::{
    files,
    shapes::{
        self, AfterCrash, BuildProfile, Engine, Launch, Ports, Program, Purpose, Quiet, Running,
        Schemas, Shape,
    },
    workspace::{MONOLITH, Workspace},
};

const ROUNDS: usize = 11;
const MOST_READY: Duration = Duration::from_millis(300);
const MOST_IDLE_KIB: u64 = 40 * 1024;
/// After this long the start is over and the first rounds of background work have run.
const UNTIL_IDLE: Duration = Duration::from_secs(3);

/// Builds, starts again and again, and looks at the memory once.
pub(super) async fn findings(workspace: &Workspace) -> Result<Vec<Finding>> {
    let shape = Shape::extracting([]).compiled(BuildProfile::Release);
    let binaries = shapes::build_in(workspace, &shape)?;
    let data = workspace.target().join("bench-data");
    if data.exists() {
        fs::remove_dir_all(&data).with_context(|| format!("removing {}", data.display()))?;
    }
    let launch = Launch {
        folder: workspace.target().to_owned(),
        data,
        engine: Engine::Embedded,
        schemas: Schemas::AsTheyAre,
        replicas: 1,
        replicas_of: BTreeMap::new(),
        ports: Ports::Free,
        purpose: Purpose::Use,
        settings: Vec::new(),
        detours: Vec::new(),
        after_crash: AfterCrash::StayDown,
        logs: Arc::new(Quiet),
    };
    // The first start makes the data.
    let running = shapes::launch(&binaries, launch).await?;
    let measured = measure(&running).await;
    running.stop().await?;
    let (ready, idle) = measured?;
    Ok(vec![
        Finding {
            what: "release monolith ready on existing data (median of 11)".to_owned(),
            measured: format!("{} ms", ready.as_millis()),
            target: format!("within {} ms", MOST_READY.as_millis()),
            is_met: ready <= MOST_READY,
        },
        Finding {
            what: "release monolith idle (resident set)".to_owned(),
            measured: format!("{} MiB", idle.div_ceil(1024)),
            target: format!("under {} MiB", MOST_IDLE_KIB / 1024),
            is_met: idle < MOST_IDLE_KIB,
        },
    ])
}

async fn measure(running: &Running) -> Result<(Duration, u64)> {
    let monolith = running.program(MONOLITH)?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        monolith.terminate().await?;
        let begun = Instant::now();
        monolith.start().await?;
        rounds.push(begun.elapsed());
    }
    rounds.sort();
    tokio::time::sleep(UNTIL_IDLE).await;
    Ok((rounds[ROUNDS / 2], resident_kib(monolith)?))
}

fn resident_kib(program: &Program) -> Result<u64> {
    let pid = program.pid().context("the monolith has ended")?;
    let status = files::read(format!("/proc/{pid}/status").as_ref())
        .context("memory is read from /proc, which only Linux has")?;
    resident_in(&status).context("/proc tells no resident set")
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_set_is_read_in_kibibytes() {
        assert_eq!(resident_in("Name:\tmonolith\nVmRSS:\t   31456 kB\n"), Some(31_456));
        assert_eq!(resident_in("Name:\tmonolith\n"), None);
    }
}

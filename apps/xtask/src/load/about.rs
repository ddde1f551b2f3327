//! On what, and from what, a campaign was measured.

use std::{fs, process::Command};

use anyhow::Result;
use load_report::model::{About, Build, Data, Machine};

use super::{
    cores::Cores,
    options::{Engine, Options},
};
use crate::{shapes::BuildProfile, steps, workspace::Workspace};

pub(super) fn about(
    workspace: &Workspace,
    options: &Options,
    engine: String,
    cores: &Cores,
) -> Result<About> {
    let mut date = Command::new("date");
    let started_at = steps::output(date.args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]))?.trim().to_owned();
    Ok(About {
        commit: commit(workspace)?,
        started_at,
        command: command(),
        build: match options.profile() {
            BuildProfile::Debug => Build::Unoptimised,
            BuildProfile::Release => Build::Optimised,
        },
        seed: options.seed,
        engine,
        machine: machine(cores),
        // Nobody knows before they are seeded.
        data: Data::default(),
        caveats: caveats(options, cores),
        // Nobody knows before the end.
        took_s: 0,
    })
}

/// What the reader must know before trusting a figure.
fn caveats(options: &Options, cores: &Cores) -> Vec<String> {
    let mut caveats = Vec::new();
    if options.against.is_none() {
        let all = cores.all;
        caveats.push(match &cores.generator {
            Some(own) => {
                let own = own.len();
                format!(
                    "The generator had {own} of {all} cores to itself; the programs and the engines \
                     shared the others, the same for each shape."
                )
            }
            None => format!(
                "The generator and the programs shared {all} cores, of which there are too few to \
                 keep one apart. What the generator took is left out of processor time, and is in \
                 the latency."
            ),
        });
        caveats.push("Nothing bounded the programs' memory: what they held is told.".to_owned());
        caveats.push(
            "The programs had limits of requests that nobody reaches, access tokens that last six \
             hours, and seats whose reservation is given up after 20 s."
                .to_owned(),
        );
    }
    if options.engine == Engine::Postgres {
        caveats.push(
            "Database round trips and bytes were counted in runs of their own, through a proxy that \
             counts and that costs time."
                .to_owned(),
        );
    }
    if options.engine == Engine::Postgres && options.against.is_none() && sessions_are_equal() {
        caveats.push(
            "The kernel gave each of PostgreSQL's processes as much processor time as all programs \
             together (kernel.sched_autogroup_enabled is 1, and each of them is a session): where it \
             is short, as under overload, programs do less than beside a database on a machine of \
             its own."
                .to_owned(),
        );
    }
    if options.smoke {
        caveats.push(
            "A smoke run: stretches of seconds, few repeats, a knee that is looked for roughly."
                .to_owned(),
        );
    }
    caveats
}

/// Whether sessions have equal parts of the processors (`sched(7)`), however many processes are in one.
fn sessions_are_equal() -> bool {
    let enabled = fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled");
    enabled.is_ok_and(|enabled| enabled.trim() == "1")
}

fn command() -> String {
    repeatable(std::env::args().skip(1))
}

/// Without the folder that it was written to: that is there already, and is nobody else's.
fn repeatable(arguments: impl IntoIterator<Item = String>) -> String {
    let mut words = vec!["cargo xtask".to_owned()];
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--out" => drop(arguments.next()),
            other if other.starts_with("--out=") => {}
            _ => words.push(argument),
        }
    }
    words.join(" ")
}

fn commit(workspace: &Workspace) -> Result<String> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        steps::output(git.arg("-C").arg(workspace.root()).args(arguments))
    };
    let commit = git(&["rev-parse", "HEAD"])?.trim().to_owned();
    let is_clean = git(&["status", "--porcelain"])?.trim().is_empty();
    Ok(if is_clean { commit } else { format!("{commit}-dirty") })
}

fn machine(cores: &Cores) -> Machine {
    let value = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once([':', '=']))
            .map(|(_, value)| value.trim().trim_matches('"').to_owned())
    };
    let unknown = || "unknown".to_owned();
    let kibibytes = value("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split(' ').next().and_then(|number| number.parse::<u64>().ok()));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let distribution = value("/etc/os-release", "PRETTY_NAME").unwrap_or_else(unknown);
    Machine {
        cores: u32::try_from(cores.all).unwrap_or(u32::MAX),
        processor: value("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
        memory: kibibytes.unwrap_or_default() * 1024,
        system: format!("Linux {}, {distribution}", kernel.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_repeated_without_its_folder() {
        let told = ["load", "--smoke", "--out", "/a", "--seed", "2", "--out=/b"].map(str::to_owned);
        assert_eq!(repeatable(told), "cargo xtask load --smoke --seed 2");
    }
}

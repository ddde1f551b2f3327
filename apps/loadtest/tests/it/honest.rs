//! A server that stands still is charged for everybody who would have come meanwhile.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use load_report::model::Load;
use loadtest::{people::People, run::run};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    ping::{carry_out, of, pings, quantile},
    server::{Manner, Server},
};

/// A third of all come while it stands still: one in a thousand waits for nearly all of the second,
/// and one in five for a third of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_of_standstill_is_a_second_of_latency() -> anyhow::Result<()> {
    let server = Server::start(Manner::StandsStill).await?;
    let outcome = carry_out(&pings(server.url(), Load::Open { rate: 100.0 }, 3)).await?;
    let pings = of(&outcome);
    ensure!(pings.done == pings.intended && pings.done == 299, "{pings:?}");
    let (p80, p999) = (quantile(&pings.latency, 0.8)?, quantile(&pings.latency, 0.999)?);
    ensure!(p999 >= 900_000 && p80 >= 300_000, "p80 is {p80} µs and p99.9 {p999} µs");
    let second = &outcome.run.timeline[1];
    ensure!(second.max >= 900_000 && second.p50 >= 300_000, "{second:?}");
    Ok(())
}

/// What a generator would say that waits for an answer before it asks again: the same standstill is
/// one slow answer among hundreds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_answers_hardly_sees_it() -> anyhow::Result<()> {
    let server = Server::start(Manner::StandsStill).await?;
    let outcome = carry_out(&pings(server.url(), Load::Closed { people: 1 }, 3)).await?;
    let pings = of(&outcome);
    let slow = loadtest::recorder::decode(&pings.latency)?;
    let slow = slow.len() - slow.count_between(0, 500_000);
    ensure!(slow * 100 < pings.done, "{slow} of {} were slow", pings.done);
    let p99 = quantile(&pings.latency, 0.99)?;
    ensure!(p99 < 500_000, "p99 is {p99} µs");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schedule_is_the_seed_s_however_many_send() -> anyhow::Result<()> {
    let server = Server::start(Manner::Answers(200)).await?;
    let poisson = loadtest::arrivals::Spacing::Poisson;
    let plan = pings(server.url(), Load::Open { rate: 300.0 }, 1);
    let one = loadtest::run::Plan { spacing: poisson, ..plan };
    let three = loadtest::run::Plan { workers: 3, ..one.clone() };
    let expected = loadtest::arrivals::Arrivals::new(300.0, poisson, one.seed);
    let expected = expected.take_while(|arrival| arrival.at < one.measured).count() as u64;
    let (one, three) = (of(&carry_out(&one).await?), of(&carry_out(&three).await?));
    ensure!(one.done == expected && three.done == expected, "{one:?} {three:?} {expected}");
    Ok(())
}

/// A process that the system has stopped answers nobody and refuses nobody: for a second, connections
/// and requests queue where the server cannot count them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_in_which_the_server_was_stopped_is_in_its_latency() -> anyhow::Result<()> {
    let server = Stoppable::start()?;
    let plan = pings(server.url.clone(), Load::Open { rate: 100.0 }, 3);
    let (begun, begins) = tokio::sync::oneshot::channel();
    let mut begun = Some(begun);
    let stopped = async {
        begins.await?;
        server.signal(Signal::STOP)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.signal(Signal::CONT)
    };
    let mut nobody = People::default();
    let load = run(&plan, &mut nobody, |_| {
        // Nobody listens any more at the end.
        let _told = begun.take().map(|begun| begun.send(()));
    });
    let (outcome, stopped) = tokio::join!(load, stopped);
    stopped?;
    let outcome = outcome?;
    let pings = of(&outcome);
    ensure!(pings.done == pings.intended && pings.done == 299, "{pings:?}");
    let (p80, p999) = (quantile(&pings.latency, 0.8)?, quantile(&pings.latency, 0.999)?);
    ensure!(p999 >= 900_000 && p80 >= 300_000, "p80 is {p80} µs and p99.9 {p999} µs");
    Ok(())
}

/// The server that the generator is calibrated against, in a process of its own.
struct Stoppable {
    child: Child,
    url: String,
}

impl Stoppable {
    fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["calibrate", "--serve"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut url)?;
        Ok(Self { child, url: url.trim().to_owned() })
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

//! How good the generator is on this machine: it shares the machine with what it measures, so what
//! it needs and how late it is must be known.

use std::{
    env,
    io::{self, BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use load_report::model::Load;
use loadtest::{
    arrivals::Spacing,
    people::People,
    run::{self, Plan, Stream},
    scenarios,
    summary::summary,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::say;

/// About as long as an answer of the product.
const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
    content-length: 16\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
    date: Sun, 22 Nov 2026 00:00:00 GMT\r\n\r\n{\"status\":\"ok\"}\n";

#[derive(Args, Debug)]
pub(crate) struct CalibrateOptions {
    /// Requests a second.
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// Threads that send.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Be the server, on an address that is said, until the standard input ends.
    #[arg(long, hide = true)]
    serve: bool,
}

/// The server is a process of its own, so that its processor time is not the generator's.
pub(super) async fn calibrate(options: &CalibrateOptions) -> anyhow::Result<()> {
    if options.serve {
        return serve().await;
    }
    let mut server = Command::new(env::current_exe()?)
        .args(["calibrate", "--serve"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the server")?;
    let mut url = String::new();
    BufReader::new(server.stdout.take().context("no output")?).read_line(&mut url)?;
    let scenario = scenarios::named("live").context("no scenario")?;
    let stream = Stream { scenario, load: Load::Open { rate: options.rate } };
    let plan = Plan {
        warm_up: Duration::from_secs(1),
        measured: Duration::from_secs(5),
        spacing: Spacing::Poisson,
        workers: options.workers,
        ..Plan::new(url.trim(), vec![stream])
    };
    let outcome = run::run(&plan, &mut People::default(), |_| {}).await;
    drop(server.stdin.take());
    server.wait()?;
    say(summary(&outcome?)?);
    Ok(())
}

async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(format_args!("http://{}", listener.local_addr()?));
    let input = tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new()));
    let serving = async {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    };
    tokio::select! {
        ended = input => drop(ended?),
        () = serving => {}
    }
    Ok(())
}

/// Requests without a body, one after the other, until the client goes away.
async fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut read) = ([0; 4_096], 0);
    loop {
        read += match stream.read(&mut buffer[read..]).await? {
            0 => return Ok(()),
            more => more,
        };
        if buffer[..read].ends_with(b"\r\n\r\n") {
            stream.write_all(ANSWER.as_bytes()).await?;
            read = 0;
        }
    }
}

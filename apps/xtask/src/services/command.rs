//! `cargo xtask services up|down|status`.

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

use super::{
    Durability, Engine,
    book::Book,
    lines, named,
    named::Named,
    probe::{self, Answer},
    programs::{self, Otherwise},
    server::Server,
};
use crate::{
    console::{self, say},
    tools::Install,
    workspace::Workspace,
};

/// What `services` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Starts PostgreSQL, RabbitMQ and Redis, and says how to run the product on them. What the
    /// configuration names is used as it is.
    Up(Up),
    /// Ends what `up` has started, and keeps the data.
    Down(Down),
    /// Says which engines answer, and where.
    Status,
}

#[derive(Args, Clone, Debug)]
struct Up {
    /// Also puts PgBouncer, in transaction mode, in front of the private PostgreSQL.
    #[arg(long)]
    pgbouncer: bool,
    /// Whether commits reach the disk. Of a new PostgreSQL only; one that is there stays as it is.
    #[arg(long, value_enum, default_value_t)]
    durability: Durability,
    #[command(flatten)]
    install: Install,
}

#[derive(Args, Clone, Debug)]
struct Down {
    /// Removes the data and logs too.
    #[arg(long)]
    delete_data: bool,
}

/// Carries it out.
///
/// # Errors
/// An engine is missing, does not start, does not stop or does not answer.
pub fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let workspace = Workspace::find()?;
    runtime.block_on(async {
        let mut book = Book::open(workspace.target())?;
        let mut named = named::read(workspace.root())?;
        // A developer who has copied the lines that `up` printed means our own.
        named.retain(|named| !book.holds(named.engine, &named.address));
        match &options.command {
            Command::Up(options) => up(&workspace, &mut book, &named, options).await,
            Command::Down(options) => down(&workspace, &mut book, options).await,
            Command::Status => status(&book, &named).await,
        }
    })
}

async fn up(workspace: &Workspace, book: &mut Book, named: &[Named], options: &Up) -> Result<()> {
    let is_named = |engine| named.iter().any(|named| named.engine == engine);
    let pooled = options.pgbouncer || book.entry(Engine::PgBouncer).is_some();
    let private: Vec<Engine> = Engine::ALL
        .into_iter()
        .filter(|engine| !is_named(*engine) && (*engine != Engine::PgBouncer || pooled))
        .collect();
    if options.pgbouncer && is_named(Engine::Postgres) {
        bail!("--pgbouncer is for the private PostgreSQL, and the configuration names another");
    }
    programs::ensure(&private, options.install, Otherwise::Name)?;
    for named in named {
        let asked = probe::ask(named.engine, &named.address).await;
        asked.with_context(|| {
            format!("{} at {} ({})", named.engine.name(), named.address, named.by)
        })?;
    }
    for engine in private {
        start(book, engine, options.durability).await?;
    }
    show(book, named).await?;
    say("");
    say(lines::write(workspace, book, named).await?);
    Ok(())
}

async fn start(book: &mut Book, engine: Engine, durability: Durability) -> Result<()> {
    if let Some(mut server) = book.server(engine) {
        if server.lives() {
            let asked = probe::ask(engine, &server.spec().address()).await;
            let advice = "it runs and does not answer; `cargo xtask services down` ends it";
            return asked.map(drop).with_context(|| format!("{}: {advice}", engine.name()));
        }
        // What is left of one that has ended by itself.
        server.kill().await;
    }
    let mut server = book.prepared(engine, durability)?;
    // Beforehand too: its data are closed to us without the password that is made for them.
    book.note(&server)?;
    say(format_args!("starting {} …", engine.name()));
    server.start().await?;
    book.note(&server)?;
    server.release();
    Ok(())
}

async fn down(workspace: &Workspace, book: &mut Book, options: &Down) -> Result<()> {
    let mut failures = Vec::new();
    for engine in Engine::ALL.into_iter().rev() {
        let Some(mut server) = book.server(engine) else { continue };
        let said = if server.lives() { "ended" } else { "was down" };
        match server.stop().await {
            Ok(()) => say(format_args!("{} {said}", engine.name())),
            Err(error) => failures.push(format!("{error:#}")),
        }
        book.note(&server)?;
    }
    if options.delete_data {
        book.forget()?;
        lines::remove(workspace)?;
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

async fn status(book: &Book, named: &[Named]) -> Result<()> {
    let ill = show(book, named).await?;
    if !ill.is_empty() {
        bail!("{} should answer and does not", ill.join(", "));
    }
    Ok(())
}

/// Prints a table of all engines; returns those that should answer and do not.
async fn show(book: &Book, named: &[Named]) -> Result<Vec<&'static str>> {
    let head = ["engine", "state", "address", "from"].map(str::to_owned).to_vec();
    let (mut rows, mut ill) = (vec![head], Vec::new());
    for engine in Engine::ALL {
        let row = if let Some(named) = named.iter().find(|named| named.engine == engine) {
            let (state, answers) = match probe::ask(engine, &named.address).await {
                Ok(answer) => (said(&answer), true),
                Err(error) => (format!("{error:#}"), false),
            };
            (state, named.address.to_string(), named.by.clone(), answers)
        } else if let Some(server) = book.server(engine) {
            private(server).await
        } else {
            ("not started".to_owned(), String::new(), String::new(), true)
        };
        let (state, address, from, answers) = row;
        rows.push(vec![engine.name().to_owned(), state, address, from]);
        if !answers {
            ill.push(engine.name());
        }
    }
    say(console::table(&rows));
    Ok(ill)
}

/// State, address, origin, and whether all is as it should be.
async fn private(mut server: Server) -> (String, String, String, bool) {
    let address = server.spec().address();
    let (state, well) = match server.pid() {
        None => ("stopped".to_owned(), true),
        Some(_) if !server.lives() => {
            (format!("has ended by itself; see {}", server.log().display()), false)
        }
        Some(_) => match probe::ask(server.engine(), &address).await {
            Ok(answer) => (said(&answer), true),
            Err(error) => (format!("runs, but {error:#}"), false),
        },
    };
    let pid = server.pid().map(|pid| format!(", pid {pid}")).unwrap_or_default();
    (state, address.to_string(), format!("`up`{pid}"), well)
}

fn said(answer: &Answer) -> String {
    match answer {
        Answer::Working(version) => format!("answers, {version}"),
        Answer::Listening => "listens".to_owned(),
    }
}

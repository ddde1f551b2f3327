//! A database without a connection left, and one that nobody can reach.

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::future::try_join_all;
use journeys::{Api, eventually, organization};
use kernel::Secret;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, raw_sql};

use super::Site;

const INVOICES: &str = "/v1/billing/invoices";

/// How many connections billing may have for its tenants, in the tests that use them all up.
const FEW: usize = 2;

/// Who waits for the table of invoices. Other tests have locks of their own on the same server.
const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted \
                       AND relation = 'billing.invoices'::regclass AND database = \
                       (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Well above `postgres.acquire_seconds`, and well below what a client would call hanging.
const SOON: Duration = Duration::from_secs(4);

async fn nothing_left(extracted: &[&str]) -> anyhow::Result<()> {
    let few = FEW.to_string();
    let few = ("ASHLAR__POSTGRES__CONNECTIONS", few.as_str());
    let wait = ("ASHLAR__POSTGRES__ACQUIRE_SECONDS", "1");
    let site = Site::start(extracted, &[few, wait], |_| {}).await?;
    let person = organization(&site.api()?, "crowded").await?;

    // Whoever reads invoices now waits for the table, with a connection in hand.
    let mut holder = PgConnection::connect(site.engines.postgres.expose()).await?;
    holder.execute("BEGIN; LOCK TABLE billing.invoices IN ACCESS EXCLUSIVE MODE").await?;
    let waiting = (0..FEW).map(|_| {
        let api = person.api.clone();
        tokio::spawn(async move { api.get(INVOICES).await })
    });
    let waiting: Vec<_> = waiting.collect();
    let mut look = PgConnection::connect(site.engines.postgres.expose()).await?;
    while count(&mut look, WAITING).await? < FEW {
        tokio::task::yield_now().await;
    }

    // All at once, as those that wait give up after five seconds.
    let asked = Instant::now();
    let (refused, live, elsewhere) = tokio::try_join!(
        person.api.get(INVOICES),
        site.of_each("/health/live"),
        person.api.get("/v1/auth/me"),
    )?;
    let took = asked.elapsed();
    holder.execute("ROLLBACK").await?;

    ensure!(took < SOON, "answered after {took:?}");
    ensure!(refused.headers.contains_key("retry-after"), "{refused:#?}");
    refused.expect_problem(503, "unavailable")?;
    for (program, answer) in live {
        ensure!(answer.status == 200, "{program}: {answer:#?}");
    }
    // Other modules have connections of their own.
    elsewhere.expect(200)?;
    for answer in try_join_all(waiting).await? {
        answer?.expect(200)?;
    }
    person.api.get(INVOICES).await?.expect(200)?;
    site.running.stop().await
}

async fn away_and_back(extracted: &[&str]) -> anyhow::Result<()> {
    let site = Site::start(extracted, &[], |_| {}).await?;
    let person = organization(&site.api()?, "patient").await?;
    let server = Server::of(&site.engines.postgres)?;

    server.shut().await?;
    for (program, answer) in site.of_each("/health/live").await? {
        ensure!(answer.status == 200, "{program}: {answer:#?}");
    }
    for (program, answer) in site.of_each("/health/ready").await? {
        let body = answer.expect(503)?;
        ensure!(body["status"] == "not ready", "{program}: {body:#}");
        let module = program.strip_suffix("-service").unwrap_or("auth");
        ensure!(body["modules"][module] == "not ready", "{program}: {body:#}");
    }
    for path in [INVOICES, "/v1/auth/me"] {
        let asked = Instant::now();
        person.api.get(path).await?.expect_problem(503, "unavailable")?;
        ensure!(asked.elapsed() < SOON, "{path} refused after {:?}", asked.elapsed());
    }

    server.open().await?;
    eventually("the programs to be ready", async || {
        for (_, answer) in site.of_each("/health/ready").await? {
            answer.expect(200)?;
        }
        Ok(())
    })
    .await?;
    for path in [INVOICES, "/v1/auth/me"] {
        person.api.get(path).await?.expect(200)?;
    }
    // What goes by events works again too.
    person.subscribe(2).await?;
    invoice_is_mailed(&site.api()?, &person.email).await?;
    site.running.stop().await
}

async fn invoice_is_mailed(api: &Api, email: &str) -> anyhow::Result<()> {
    eventually("the invoice's mail", async || {
        let mails = journeys::mails(api, email).await?;
        let is_invoice = |subject: &str| subject.starts_with("Invoice");
        ensure!(mails.iter().any(|mail| mail["subject"].as_str().is_some_and(is_invoice)), "none");
        Ok(())
    })
    .await
}

/// The server of a database, which can shut it to all and open it again.
struct Server {
    admin: String,
    database: String,
}

impl Server {
    fn of(database: &Secret) -> anyhow::Result<Self> {
        let Some((server, database)) = database.expose().rsplit_once('/') else {
            anyhow::bail!("the address names no database");
        };
        Ok(Self { admin: format!("{server}/postgres"), database: database.to_owned() })
    }

    async fn shut(&self) -> anyhow::Result<()> {
        let name = &self.database;
        let mut admin = PgConnection::connect(&self.admin).await?;
        run(&mut admin, format!("ALTER DATABASE \"{name}\" WITH ALLOW_CONNECTIONS false")).await?;
        let of_all = format!("FROM pg_stat_activity WHERE datname = '{name}'");
        run(&mut admin, format!("SELECT pg_terminate_backend(pid) {of_all}")).await?;
        while count(&mut admin, &format!("SELECT count(*) {of_all}")).await? > 0 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn open(&self) -> anyhow::Result<()> {
        let mut admin = PgConnection::connect(&self.admin).await?;
        let name = &self.database;
        run(&mut admin, format!("ALTER DATABASE \"{name}\" WITH ALLOW_CONNECTIONS true")).await
    }
}

async fn run(connection: &mut PgConnection, statement: String) -> anyhow::Result<()> {
    connection.execute(raw_sql(AssertSqlSafe(statement))).await?;
    Ok(())
}

async fn count(connection: &mut PgConnection, select: &str) -> anyhow::Result<usize> {
    let row = connection.fetch_one(raw_sql(AssertSqlSafe(select.to_owned()))).await?;
    Ok(usize::try_from(row.try_get::<i64, _>(0)?)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_connection_left_the_monolith_says_so_soon() -> anyhow::Result<()> {
    nothing_left(&[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_connection_left_an_extracted_billing_says_so_soon() -> anyhow::Result<()> {
    nothing_left(&["billing"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_monolith_outlives_its_database() -> anyhow::Result<()> {
    away_and_back(&[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_extracted_billing_outlives_its_database() -> anyhow::Result<()> {
    away_and_back(&["billing"]).await
}

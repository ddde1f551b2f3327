//! Asks an engine something that only a working one answers.

use std::{str::FromStr as _, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Engine, address::Address, amqp};

const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What an engine that answers says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was entered and asked; its version.
    Working(String),
    /// It listens. More cannot be asked: over TLS, or without anybody's password.
    Listening,
}

/// Asks the engine at `address`.
///
/// # Errors
/// It does not answer, or not as it should.
pub(super) async fn ask(engine: Engine, address: &Address) -> Result<Answer> {
    let asked = async {
        match (engine, address.scheme.as_str()) {
            (Engine::Postgres | Engine::PgBouncer, _) if address.user.is_some() => {
                postgres(address).await
            }
            (Engine::RabbitMq, "amqp") => {
                amqp::enter(connect(engine, address).await?, address).await.map(Answer::Working)
            }
            (Engine::Redis, "redis") => redis(connect(engine, address).await?, address).await,
            _ => connect(engine, address).await.map(|_| Answer::Listening),
        }
    };
    tokio::time::timeout(ANSWER_WITHIN, asked).await.context("it did not answer in time")?
}

async fn connect(engine: Engine, address: &Address) -> Result<TcpStream> {
    let usual = match (engine, address.scheme.as_str()) {
        (Engine::Postgres, _) => 5432,
        (Engine::PgBouncer, _) => 6432,
        (Engine::RabbitMq, "amqps") => 5671,
        (Engine::RabbitMq, _) => 5672,
        (Engine::Redis, _) => 6379,
    };
    let place = (address.host.as_str(), address.port.unwrap_or(usual));
    TcpStream::connect(place).await.context("nobody listens there")
}

async fn postgres(address: &Address) -> Result<Answer> {
    // The error of a wrong URL may hold its password.
    let options = PgConnectOptions::from_str(&address.in_clear());
    let Ok(options) = options else { bail!("it is no URL of a PostgreSQL database") };
    let mut connection =
        options.disable_statement_logging().connect().await.context("it was not entered")?;
    // Unprepared, since a pooler may be between; it proves more than `SELECT 1` and costs no more.
    let version: String = sqlx::Row::try_get(
        &sqlx::raw_sql("SHOW server_version").fetch_one(&mut connection).await?,
        0,
    )?;
    // What was asked is known; a farewell that fails changes nothing.
    let _ = connection.close().await;
    Ok(Answer::Working(version.split(' ').next().unwrap_or_default().to_owned()))
}

async fn redis(mut stream: TcpStream, address: &Address) -> Result<Answer> {
    let mut request = Vec::new();
    if let Some(password) = &address.password {
        let user = address.user.as_deref().unwrap_or("default");
        request.extend(command(&["AUTH", user, password.expose()]));
    }
    request.extend(command(&["PING"]));
    request.extend(command(&["INFO", "server"]));
    request.extend(command(&["QUIT"]));
    stream.write_all(&request).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    ensure!(
        answer.contains("+PONG\r\n"),
        "it answered {}",
        answer.lines().next().unwrap_or("nothing")
    );
    let version = answer.lines().find_map(|line| line.strip_prefix("redis_version:"));
    Ok(Answer::Working(version.unwrap_or("of an unknown version").to_owned()))
}

/// A command as Redis's protocol has it: the number of words, then each with its length.
fn command(words: &[&str]) -> Vec<u8> {
    let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    let words: Vec<String> = words.collect();
    format!("*{}\r\n{}", words.len(), words.concat()).into_bytes()
}

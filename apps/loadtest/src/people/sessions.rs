//! Everybody is logged in before anything is measured, and stays so.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use super::{Actor, PASSWORD, People, Roster, Session};
use crate::{
    client::{Client, Request},
    ledger::has_subscription,
};

/// How many log in at once. A password costs the server a processor for as long as it is hashed.
const AT_ONCE: usize = 4;

/// A session is exchanged when it has less than this left, in seconds.
const SHORT: i64 = 120;

/// Nobody's session ends at the same time as many others': up to these many seconds earlier.
const SPREAD: i64 = 180;

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    expires_in: i64,
}

/// Logs everybody in whose session would not last for `time` and a little more.
///
/// By password: a refresh token is good once, and another run may have used it.
pub(crate) async fn open(
    client: &Client,
    people: &mut People,
    time: Duration,
) -> anyhow::Result<()> {
    // The longest time that matters: what is longer is kept fresh.
    let wanted = i64::try_from(time.as_secs()).unwrap_or(i64::MAX).min(SHORT + SPREAD) + SHORT;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let all = people.tenants.iter_mut().flat_map(|tenant| &mut tenant.people);
    let stale = all.filter(|person| {
        person.session.as_ref().is_none_or(|session| session.expires_at - now < wanted)
    });
    stream::iter(stale.map(Ok))
        .try_for_each_concurrent(AT_ONCE, async |person| {
            person.session = Some(log_in(client, &person.email).await?);
            anyhow::Ok(())
        })
        .await
}

/// Logs in with the password that everybody has.
pub(crate) async fn log_in(client: &Client, email: &str) -> anyhow::Result<Session> {
    let login = json!({ "email": email, "password": PASSWORD });
    let request = Request::to("POST /v1/auth/login").json(&login);
    exchange(client, &request).await.with_context(|| format!("logging {email} in"))
}

/// Takes those newcomers out who have subscribed in an earlier run.
pub(crate) async fn set_subscribers_aside(
    client: &Client,
    roster: &mut Roster,
) -> anyhow::Result<()> {
    let subscribed: BTreeSet<usize> = stream::iter(roster.newcomers().to_vec())
        .map(async |tenant| {
            let owner = roster.owner(tenant).context("a tenant without an owner")?;
            let subscribed = has_subscription(client, owner).await?;
            anyhow::Ok(subscribed.then_some(tenant))
        })
        .buffered(AT_ONCE)
        .try_filter_map(async |subscribed| Ok(subscribed))
        .try_collect()
        .await?;
    roster.retain_newcomers(|tenant| !subscribed.contains(&tenant));
    Ok(())
}

/// Exchanges each session of `roster` before it ends, for as long as it is polled. Nothing of it is
/// measured; it is one request for each person in a quarter of an hour.
pub(crate) async fn keep_fresh(client: Client, roster: Arc<Roster>) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    loop {
        every.tick().await;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let due = roster.people.iter().zip(0_i64..).filter(|(actor, number)| {
            actor.session().expires_at - now < SHORT + number * 37 % SPREAD
        });
        stream::iter(due)
            .for_each_concurrent(AT_ONCE, async |(actor, _)| {
                // It is tried again in a second; in the end its requests fail, and are counted.
                let _failed = refresh(&client, actor).await;
            })
            .await;
    }
}

async fn refresh(client: &Client, actor: &Actor) -> anyhow::Result<()> {
    let body = json!({ "refresh_token": actor.session().refresh_token });
    let request = Request::to("POST /v1/auth/refresh").json(&body);
    actor.renew(exchange(client, &request).await?)
}

async fn exchange(client: &Client, request: &Request) -> anyhow::Result<Session> {
    let answer = client.send(request).await.outcome;
    let answer = answer.map_err(|failure| anyhow::anyhow!("answered with {}", failure.name()))?;
    let Tokens { access_token, refresh_token, expires_in } = answer.read()?;
    let expires_at = OffsetDateTime::now_utc().unix_timestamp() + expires_in;
    Ok(Session { access_token, refresh_token, expires_at })
}

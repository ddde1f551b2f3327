//! What is there, as the API tells it.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::Entry;
use crate::{
    client::{Client, Request},
    people::{Actor, Roster},
};

/// How many tenants are asked about at once.
const AT_ONCE: usize = 8;

const SUBSCRIPTION: &str = "GET /v1/billing/subscription";
const USAGE: &str = "GET /v1/billing/usage";
const INVITATIONS: &str = "GET /v1/auth/invitations";

/// By entry and tenant.
#[derive(Debug, Default)]
pub(super) struct Books {
    counts: BTreeMap<Entry, Vec<u64>>,
}

impl Books {
    pub(super) async fn read(
        client: &Client,
        roster: &Roster,
        entries: &[Entry],
    ) -> anyhow::Result<Self> {
        let mut counts = BTreeMap::new();
        // Who signs up is of no tenant yet, and is looked for in another way.
        for entry in entries.iter().copied().filter(|entry| *entry != Entry::SignUps) {
            let of_each: Vec<u64> = stream::iter(0..roster.tenants())
                .map(|tenant| count(client, roster, entry, tenant))
                .buffered(AT_ONCE)
                .try_collect()
                .await
                .with_context(|| format!("counting {}", entry.name()))?;
            counts.insert(entry, of_each);
        }
        Ok(Self { counts })
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.counts.keys().copied().collect()
    }

    pub(super) fn of(&self, entry: Entry, tenant: usize) -> u64 {
        self.counts.get(&entry).and_then(|counts| counts.get(tenant)).copied().unwrap_or(0)
    }
}

async fn count(
    client: &Client,
    roster: &Roster,
    entry: Entry,
    tenant: usize,
) -> anyhow::Result<u64> {
    let owner = roster.owner(tenant).context("a tenant without an owner")?;
    // Only who pays is sent usage and invitations, and only who does not pay yet subscribes.
    let is_newcomer = roster.newcomers().contains(&tenant);
    match entry {
        Entry::Subscriptions if is_newcomer => has_subscription(client, owner).await.map(u64::from),
        Entry::Usage if !is_newcomer => {
            let units = |item: &Value| match item["meter"].as_str() {
                Some("api_calls") => item["quantity"].as_u64().unwrap_or(0),
                _ => 0,
            };
            sum(client, owner, USAGE, units).await
        }
        Entry::Invitations if !is_newcomer => sum(client, owner, INVITATIONS, |_| 1).await,
        Entry::Accepted if !is_newcomer => {
            sum(client, owner, INVITATIONS, |item| u64::from(item["status"] == "accepted")).await
        }
        _ => Ok(0),
    }
}

/// Whether the owner's tenant has a subscription.
pub(crate) async fn has_subscription(client: &Client, owner: &Actor) -> anyhow::Result<bool> {
    let request = Request::to(SUBSCRIPTION).by(owner.bearer()).or(&[404]);
    let answer = client.send(&request).await.outcome;
    Ok(answer.map_err(|failure| anyhow!("{SUBSCRIPTION}: {}", failure.name()))?.status == 200)
}

/// What `worth` says of all items on all pages.
async fn sum(
    client: &Client,
    owner: &Actor,
    list: &'static str,
    worth: impl Fn(&Value) -> u64,
) -> anyhow::Result<u64> {
    let (_, path) = list.split_once(' ').context("a method and a path")?;
    let (mut all, mut query) = (0, "limit=100".to_owned());
    loop {
        let request = Request::to(list).at(format!("{path}?{query}")).by(owner.bearer());
        let answer = client.send(&request).await.outcome;
        let page: Value =
            answer.map_err(|failure| anyhow!("{list}: {}", failure.name()))?.read()?;
        all += page["items"].as_array().context("no items")?.iter().map(&worth).sum::<u64>();
        let Some(cursor) = page["next_cursor"].as_str() else { return Ok(all) };
        query = format!("limit=100&cursor={cursor}");
    }
}

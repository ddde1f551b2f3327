//! Makes people, subscriptions and history through the public API.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use load_report::model::Data;
use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{PASSWORD, People, Person, Standing, Tenant, sessions};
use crate::client::{Client, Request};

/// The most usage events that one request takes.
const BATCH: u64 = 1_000;
/// How far back usage may lie, less a day for clocks: 34 days.
const PAST: i64 = 34 * 24 * 60 * 60;
/// Of the plan `business`: room for all who are invited in a run.
const SEATS: u32 = 500;
/// How long something that happens in the background may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest between two looks into the mailbox.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How much there is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub struct Sizes {
    /// Tenants that pay.
    #[arg(long, default_value_t = 50)]
    pub tenants: u64,
    /// Tenants without a subscription: the scenario `subscribe` uses one up with each journey.
    #[arg(long, default_value_t = 0)]
    pub newcomers: u64,
    /// Members of a tenant that pays, beside its owner.
    #[arg(long, default_value_t = 1)]
    pub members: u64,
    /// Usage events in the last weeks of a tenant that pays.
    #[arg(long, default_value_t = 1_000)]
    pub usage_events: u64,
    /// How many tenants are made at once.
    #[arg(long, default_value_t = 4)]
    pub at_once: usize,
}

/// Makes what `sizes` says, and calls `progress` with how many tenants there are and are to be.
/// The same `seed` makes the same people, and so cannot be used twice on one system.
///
/// A tenant that pays has one invoice, of its first month: more of them cannot be had in less than
/// a month.
///
/// # Errors
/// The API does not do what it should.
pub async fn seed(
    client: &Client,
    sizes: Sizes,
    seed: u64,
    progress: impl Fn(u64, u64),
) -> anyhow::Result<People> {
    let all = sizes.tenants + sizes.newcomers;
    let made = AtomicU64::new(0);
    let tenants = stream::iter(0..all)
        .map(async |number| {
            let standing =
                if number < sizes.tenants { Standing::Paying } else { Standing::Newcomer };
            let planned = Planned { client, sizes, name: format!("s{seed:x}t{number}"), standing };
            let dice = Xoshiro256PlusPlus::seed_from_u64(seed.rotate_left(32) ^ number);
            let tenant = planned.make(dice).await.with_context(|| planned.name.clone())?;
            progress(made.fetch_add(1, Ordering::Relaxed) + 1, all);
            anyhow::Ok(tenant)
        })
        .buffered(sizes.at_once.max(1))
        .try_collect::<Vec<_>>()
        .await?;
    let data = Data {
        tenants: all,
        people: tenants.iter().map(|tenant| tenant.people.len() as u64).sum(),
        subscriptions: sizes.tenants,
        invoices: sizes.tenants,
        usage_events: sizes.tenants * sizes.usage_events,
    };
    Ok(People { seed, data, tenants })
}

struct Planned<'a> {
    client: &'a Client,
    sizes: Sizes,
    name: String,
    standing: Standing,
}

impl Planned<'_> {
    async fn make(&self, mut dice: Xoshiro256PlusPlus) -> anyhow::Result<Tenant> {
        let owner = self.sign_up().await?;
        let mut people = vec![owner];
        if self.standing == Standing::Paying {
            let bearer = bearer(&people[0])?;
            self.subscribe(&bearer).await?;
            for number in 0..self.sizes.members {
                people.push(self.add_member(&bearer, number).await?);
            }
            self.report_usage(&bearer, &mut dice).await?;
        }
        Ok(Tenant { name: self.name.clone(), standing: self.standing, people })
    }

    async fn sign_up(&self) -> anyhow::Result<Person> {
        let email = format!("owner@{}.example", self.name);
        let registration = json!({
            "email": email, "password": PASSWORD, "name": "Ada Lovelace",
            "organization": self.name,
        });
        self.ask(Request::to("POST /v1/auth/register").json(&registration)).await?;
        let token = token_from_mail(self.client, &email).await?;
        let proof = json!({ "token": token });
        self.ask(Request::to("POST /v1/auth/verify-email").json(&proof)).await?;
        self.logged_in(email).await
    }

    async fn subscribe(&self, bearer: &str) -> anyhow::Result<()> {
        let order = json!({
            "price_id": "business_monthly_eur", "quantity": SEATS,
            "payment_method": "pm_card_visa",
        });
        let request = Request::to("POST /v1/billing/subscriptions").once(&self.name).json(&order);
        self.ask_as(bearer, request).await.map(drop)
    }

    async fn add_member(&self, bearer: &str, number: u64) -> anyhow::Result<Person> {
        let email = format!("member{number}@{}.example", self.name);
        let invitation = json!({ "email": email, "role": "member" });
        self.ask_as(bearer, Request::to("POST /v1/auth/invitations").json(&invitation)).await?;
        let token = token_from_mail(self.client, &email).await?;
        let acceptance = json!({ "token": token, "name": "Grace Hopper", "password": PASSWORD });
        self.ask(Request::to("POST /v1/auth/invitations/accept").json(&acceptance)).await?;
        self.logged_in(email).await
    }

    async fn report_usage(
        &self,
        bearer: &str,
        dice: &mut Xoshiro256PlusPlus,
    ) -> anyhow::Result<()> {
        let events = self.sizes.usage_events;
        for first in (0..events).step_by(BATCH as usize) {
            let batch: anyhow::Result<Vec<Value>> = (first..events.min(first + BATCH))
                .map(|number| {
                    let at = rfc3339(-dice.random_range(60..PAST))?;
                    let quantity = dice.random_range(1..100_u32);
                    let id = format!("history-{number}");
                    Ok(json!({ "id": id, "meter": "api_calls", "quantity": quantity, "at": at }))
                })
                .collect();
            self.ask_as(bearer, Request::to("POST /v1/billing/usage-events").json(&batch?)).await?;
        }
        Ok(())
    }

    async fn logged_in(&self, email: String) -> anyhow::Result<Person> {
        let session = Some(sessions::log_in(self.client, &email).await?);
        Ok(Person { email, session })
    }

    async fn ask_as(&self, bearer: &str, request: Request) -> anyhow::Result<()> {
        self.ask(request.by(bearer.parse()?)).await
    }

    async fn ask(&self, request: Request) -> anyhow::Result<()> {
        let outcome = self.client.send(&request).await.outcome;
        let failure = outcome.err().map(crate::client::Failure::name);
        ensure!(failure.is_none(), "{}: {}", request.operation, failure.unwrap_or_default());
        Ok(())
    }
}

fn bearer(person: &Person) -> anyhow::Result<String> {
    let session = person.session.as_ref().context("nobody is logged in")?;
    Ok(format!("Bearer {}", session.access_token))
}

/// Now, as the API writes times.
pub(crate) fn now() -> anyhow::Result<String> {
    rfc3339(0)
}

/// Now and `seconds` more.
fn rfc3339(seconds: i64) -> anyhow::Result<String> {
    let at = OffsetDateTime::now_utc().replace_nanosecond(0)? + time::Duration::seconds(seconds);
    Ok(at.format(&Rfc3339)?)
}

/// The token in the link of the newest mail to `email`, once it is in the local mailbox.
pub(crate) async fn token_from_mail(client: &Client, email: &str) -> anyhow::Result<String> {
    let request = Request::to("GET /sandbox/mailbox").at(format!("/sandbox/mailbox?to={email}"));
    let looking = async {
        // Like somebody who loses hope: at a fixed short pace, those who wait for late mails would be most of
        // the load while programs are busy.
        let mut pause = Duration::from_millis(20);
        loop {
            let token = client.send(&request).await.outcome.ok().and_then(|answer| {
                let mails: Value = answer.read().ok()?;
                let link = mails.pointer("/items/0/links/0")?.as_str()?;
                Some(link.rsplit_once("?token=")?.1.to_owned())
            });
            match token {
                Some(token) => return token,
                None => tokio::time::sleep(pause).await,
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.with_context(|| {
        format!(
            "no mail to {email} in the mailbox at /sandbox/mailbox, which there is in the profiles \
             `local` and `test` only, for requests to 127.0.0.1 or localhost"
        )
    })
}

//! What clients were told, to be compared with what is there.

mod books;
mod doubts;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use load_report::model;

use crate::{
    client::{Client, Request},
    people::{self, Roster},
    recorder::lock,
};
use books::Books;

pub(crate) use books::has_subscription;

/// The most requests with an unknown outcome that are asked about again: their bodies are kept, some
/// hundred bytes each. A run far beyond what a shape can do has tens of thousands.
pub const MOST_DOUBTS: usize = 100_000;
/// The most sign-ups that are looked for again, since each costs the server a password's hash.
pub const MOST_SIGN_UPS: usize = 100;
/// The most faults that are written out.
const MOST_FAULTS: usize = 20;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// Tenants that have a subscription.
    Subscriptions,
    /// Units of usage that were counted.
    Usage,
    /// Invitations that were made, whatever became of them.
    Invitations,
    /// Invitations that were accepted.
    Accepted,
    /// Organisations that signed up.
    SignUps,
}

impl Entry {
    const ALL: [Self; 5] =
        [Self::Subscriptions, Self::Usage, Self::Invitations, Self::Accepted, Self::SignUps];

    /// What it is called in a run.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subscriptions => "subscriptions",
            Self::Usage => "units of usage",
            Self::Invitations => "invitations",
            Self::Accepted => "invitations accepted",
            Self::SignUps => "sign-ups",
        }
    }
}

/// A request whose effect nobody was told.
#[derive(Clone, Debug)]
pub struct Doubt {
    /// What it was to change.
    pub entry: Entry,
    /// Of which tenant.
    pub tenant: usize,
    /// By how much.
    pub worth: u64,
    /// The request with its idempotency key, to be sent again.
    pub request: Request,
}

/// What clients were told in one run, by tenant, and what they were not told.
#[derive(Debug)]
pub struct Ledger {
    told: BTreeMap<Entry, Vec<AtomicU64>>,
    doubts: Mutex<Vec<Doubt>>,
    forgotten: AtomicU64,
    sign_ups: Mutex<Vec<String>>,
    before: Books,
}

impl Ledger {
    /// Reads what is there of `entries` before anything is done.
    ///
    /// # Errors
    /// The API does not tell it.
    pub(crate) async fn open(
        client: &Client,
        roster: &Roster,
        entries: &[Entry],
    ) -> anyhow::Result<Self> {
        let zeros = || (0..roster.tenants()).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            told: Entry::ALL.iter().map(|entry| (*entry, zeros())).collect(),
            doubts: Mutex::default(),
            forgotten: AtomicU64::new(0),
            sign_ups: Mutex::default(),
            before: Books::read(client, roster, entries).await?,
        })
    }

    /// A client was told of `worth` of `entry`.
    pub fn told(&self, entry: Entry, tenant: usize, worth: u64) {
        if let Some(count) = self.told.get(&entry).and_then(|counts| counts.get(tenant)) {
            count.fetch_add(worth, Ordering::Relaxed);
        }
    }

    /// A client does not know what became of its request.
    pub fn doubt(&self, doubt: Doubt) {
        let mut doubts = lock(&self.doubts);
        if doubts.len() < MOST_DOUBTS {
            doubts.push(doubt);
        } else {
            self.forgotten.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Somebody new was told that they are logged in.
    pub fn signed_up(&self, email: String) {
        let mut sign_ups = lock(&self.sign_ups);
        if sign_ups.len() < MOST_SIGN_UPS {
            sign_ups.push(email);
        }
    }

    /// Asks again about what is in doubt, and compares.
    ///
    /// # Errors
    /// The API does not tell what is there.
    pub(crate) async fn balance(
        &self,
        client: &Client,
        roster: &Roster,
    ) -> anyhow::Result<model::Ledger> {
        let doubts = std::mem::take(&mut *lock(&self.doubts));
        let mut faults = doubts::settle(self, client, roster, doubts).await;
        let forgotten = self.forgotten.load(Ordering::Relaxed);
        if forgotten > 0 {
            faults.push(format!(
                "{forgotten} requests with an unknown outcome were not asked about again, as only \
                 {MOST_DOUBTS} are kept"
            ));
        }
        let after = Books::read(client, roster, &self.before.entries()).await?;
        let mut compared = BTreeMap::new();
        for entry in self.before.entries() {
            let lines = self.lines(entry, &after, roster);
            let sum = |side: fn(&Line) -> u64| lines.iter().map(side).sum::<u64>();
            compared
                .insert(entry.name().to_owned(), (sum(|line| line.told), sum(|line| line.there)));
            faults.extend(lines.iter().filter(|line| line.told != line.there).map(|line| {
                let Line { tenant, told, there } = line;
                let who = roster.owner(*tenant).map_or("?", |owner| owner.email.as_str());
                format!("{}: {who} was told of {told}, and {there} are there", entry.name())
            }));
        }
        let sign_ups = lock(&self.sign_ups).clone();
        if !sign_ups.is_empty() {
            let found = there(client, &sign_ups).await;
            let asked = sign_ups.len() as u64;
            compared.insert(Entry::SignUps.name().to_owned(), (asked, found));
            if asked != found {
                faults.push(format!("of {asked} who had signed up {found} could log in again"));
            }
        }
        let more = faults.len().saturating_sub(MOST_FAULTS);
        faults.truncate(MOST_FAULTS);
        if more > 0 {
            faults.push(format!("and {more} more"));
        }
        Ok(model::Ledger { compared, faults })
    }

    fn lines(&self, entry: Entry, after: &Books, roster: &Roster) -> Vec<Line> {
        let told = |tenant: usize| {
            let count = self.told.get(&entry).and_then(|counts| counts.get(tenant));
            count.map_or(0, |count| count.load(Ordering::Relaxed))
        };
        let there = |tenant| after.of(entry, tenant).saturating_sub(self.before.of(entry, tenant));
        let line = |tenant| Line { tenant, told: told(tenant), there: there(tenant) };
        (0..roster.tenants()).map(line).collect()
    }
}

struct Line {
    tenant: usize,
    told: u64,
    there: u64,
}

/// How many of `emails` can log in.
async fn there(client: &Client, emails: &[String]) -> u64 {
    let mut found = 0;
    for email in emails {
        found += u64::from(people::log_in(client, email).await.is_ok());
    }
    found
}

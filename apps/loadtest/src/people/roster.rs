//! The people of a run, while they are at work.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::Context as _;
use hyper::header::HeaderValue;
use rand::{RngExt as _, rngs::Xoshiro256PlusPlus};

use super::{People, Session, Standing};
use crate::recorder::lock;

/// Everybody who can act, and what each tenant is good for.
#[derive(Debug)]
pub struct Roster {
    /// All people; a tenant's stand together, its owner first.
    pub people: Vec<Actor>,
    /// Of each tenant, its owner's place in `people`.
    owners: Vec<usize>,
    /// Of those who pay, all members' places.
    members: Vec<usize>,
    /// Tenants that pay.
    paying: Vec<usize>,
    newcomers: Vec<usize>,
    next_newcomer: AtomicUsize,
}

/// Somebody who is logged in.
#[derive(Debug)]
pub struct Actor {
    /// Their address.
    pub email: String,
    /// Which tenant they belong to, counted from 0.
    pub tenant: usize,
    live: Mutex<Live>,
}

#[derive(Debug)]
struct Live {
    bearer: HeaderValue,
    session: Session,
}

impl Roster {
    /// All of `people`.
    ///
    /// # Errors
    /// Somebody is not logged in.
    pub(crate) fn new(people: &People) -> anyhow::Result<Self> {
        let mut roster = Self {
            people: Vec::new(),
            owners: Vec::new(),
            members: Vec::new(),
            paying: Vec::new(),
            newcomers: Vec::new(),
            next_newcomer: AtomicUsize::new(0),
        };
        for (number, tenant) in people.tenants.iter().enumerate() {
            let first = roster.people.len();
            roster.owners.push(first);
            for person in &tenant.people {
                let session = person.session.clone();
                let session =
                    session.with_context(|| format!("{} is not logged in", person.email))?;
                let actor = Actor::new(person.email.clone(), number, session)?;
                roster.people.push(actor);
            }
            match tenant.standing {
                Standing::Paying => {
                    roster.members.extend(first..roster.people.len());
                    roster.paying.push(number);
                }
                Standing::Newcomer => roster.newcomers.push(number),
            }
        }
        Ok(roster)
    }

    /// Puts everybody's newest session into `people`, which this was made of.
    pub(crate) fn save(&self, people: &mut People) {
        let all = people.tenants.iter_mut().flat_map(|tenant| &mut tenant.people);
        for (person, actor) in all.zip(&self.people) {
            person.session = Some(actor.session());
        }
    }

    /// How many tenants there are.
    #[must_use]
    pub fn tenants(&self) -> usize {
        self.owners.len()
    }

    /// The tenants that pay.
    #[must_use]
    pub fn paying(&self) -> &[usize] {
        &self.paying
    }

    /// The tenants that have no subscription yet.
    #[must_use]
    pub fn newcomers(&self) -> &[usize] {
        &self.newcomers
    }

    /// Keeps those newcomers that `keep` says: some have subscribed in an earlier run.
    pub(crate) fn retain_newcomers(&mut self, mut keep: impl FnMut(usize) -> bool) {
        self.newcomers.retain(|tenant| keep(*tenant));
    }

    /// The owner of a tenant.
    #[must_use]
    pub fn owner(&self, tenant: usize) -> Option<&Actor> {
        self.people.get(*self.owners.get(tenant)?)
    }

    /// The owner of any tenant that pays.
    #[must_use]
    pub fn any_owner(&self, dice: &mut Xoshiro256PlusPlus) -> Option<&Actor> {
        self.owner(*pick(&self.paying, dice)?)
    }

    /// Any member of any tenant that pays.
    #[must_use]
    pub fn anybody(&self, dice: &mut Xoshiro256PlusPlus) -> Option<&Actor> {
        self.people.get(*pick(&self.members, dice)?)
    }

    /// The owner of a tenant that has not subscribed, who is given to nobody else; nobody once
    /// there are no more.
    #[must_use]
    pub fn newcomer(&self) -> Option<&Actor> {
        let next = self.next_newcomer.fetch_add(1, Ordering::Relaxed);
        self.owner(*self.newcomers.get(next)?)
    }
}

impl Actor {
    fn new(email: String, tenant: usize, session: Session) -> anyhow::Result<Self> {
        Ok(Self { email, tenant, live: Mutex::new(Live::new(session)?) })
    }

    /// What goes into the header `Authorization` now.
    #[must_use]
    pub fn bearer(&self) -> HeaderValue {
        lock(&self.live).bearer.clone()
    }

    pub(super) fn session(&self) -> Session {
        lock(&self.live).session.clone()
    }

    pub(super) fn renew(&self, session: Session) -> anyhow::Result<()> {
        *lock(&self.live) = Live::new(session)?;
        Ok(())
    }
}

impl Live {
    fn new(session: Session) -> anyhow::Result<Self> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", session.access_token))
            .context("an access token that cannot stand in a header")?;
        bearer.set_sensitive(true);
        Ok(Self { bearer, session })
    }
}

fn pick<'a, T>(from: &'a [T], dice: &mut Xoshiro256PlusPlus) -> Option<&'a T> {
    if from.is_empty() { None } else { from.get(dice.random_range(0..from.len())) }
}

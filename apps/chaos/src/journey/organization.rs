//! An organisation, from its registration to the last thing it reads.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    Owner, Person, Traffic,
    ask::{Ask, Ended, ME, Proof},
    lock,
    person::PASSWORD,
    subscribing, team,
};
use crate::{
    client::{Answer, Request},
    journal::Operation,
};

/// One organisation at work.
pub(super) struct Organization<'t> {
    pub(super) traffic: &'t Traffic,
    pub(super) number: u64,
    pub(super) owner: Arc<Person>,
    /// What it does follows from the seed and its number alone, whatever the others do.
    pub(super) dice: StdRng,
}

/// Lets an organisation come, do what it does, and go.
pub(super) async fn come_and_go(traffic: &Traffic, number: u64) -> Result<()> {
    let seed = traffic.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut organization = Organization {
        traffic,
        number,
        owner: Arc::new(Person::new(traffic.address("owner", number))),
        dice: StdRng::seed_from_u64(seed),
    };
    if !organization.sign_up().await? {
        return Ok(());
    }
    let subscribed = subscribing::subscribe(&mut organization).await?;
    team::invite(&mut organization, subscribed.seats).await?;
    organization.report_usage().await?;
    organization.read_back(subscribed.id).await
}

impl Traffic {
    /// An address that nobody else has, in this run or another.
    pub(super) fn address(&self, name: &str, tenant: u64) -> String {
        format!("{name}@t{tenant}.{:x}.example", self.seed)
    }
}

impl Organization<'_> {
    pub(super) fn ask_of_owner(&self, operation: Operation, request: Request) -> Ask {
        Ask {
            tenant: self.number,
            operation,
            request,
            person: Some(Arc::clone(&self.owner)),
            proof: Proof::Answer,
        }
    }

    fn ask_of_nobody(&self, operation: Operation, request: Request, proof: Proof) -> Ask {
        Ask { tenant: self.number, operation, request, person: None, proof }
    }

    /// `false` where the owner is not in.
    async fn sign_up(&self) -> Result<bool> {
        let email = self.owner.email.clone();
        let registration = json!({
            "email": email, "password": PASSWORD, "name": "Ada Lovelace",
            "organization": format!("organization {}", self.number),
        });
        let register = Operation::Register { email: email.clone() };
        let request = Request::post("/v1/auth/register", registration);
        let asked = self.traffic.ask(self.ask_of_nobody(register, request, Proof::Answer)).await?;
        if !matches!(asked, Ended::Done(_)) {
            return Ok(false);
        }
        let Some(token) = self.token_from_mail(&email).await else { return Ok(false) };
        let verify = Operation::Verify { email };
        let request = Request::post("/v1/auth/verify-email", json!({ "token": token }));
        let proof = Proof::LogIn(Arc::clone(&self.owner));
        let asked = self.traffic.ask(self.ask_of_nobody(verify, request, proof)).await?;
        if !matches!(asked, Ended::Done(_)) || !self.log_in(&self.owner).await? {
            return Ok(false);
        }
        let owner = Owner { tenant: self.number, person: Arc::clone(&self.owner) };
        lock(&self.traffic.owners).push(owner);
        Ok(true)
    }

    pub(super) async fn log_in(&self, person: &Person) -> Result<bool> {
        let log_in = Operation::LogIn { email: person.email.clone() };
        let ask = self.ask_of_nobody(log_in, person.login(), Proof::Answer);
        let asked = self.traffic.ask(ask).await?;
        if let Ended::Done(body) = &asked {
            person.take_token(body);
        }
        Ok(matches!(asked, Ended::Done(_)))
    }

    /// The token in the link of a mail to `email`, once it has come.
    pub(super) async fn token_from_mail(&self, email: &str) -> Option<String> {
        const LOOK_EVERY: Duration = Duration::from_millis(250);
        let mails = Request::get(format!("/sandbox/mailbox?to={email}"));
        loop {
            let answer = self.traffic.client.send(&mails, None).await;
            if let Answer::Done(body) = answer
                && let Some(link) = body["items"][0]["links"][0].as_str()
            {
                return link.rsplit_once("?token=").map(|(_, token)| token.to_owned());
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.traffic.over.cancelled() => return None,
            }
        }
    }

    /// Some batches, which repeat some events of the one before.
    async fn report_usage(&mut self) -> Result<()> {
        let batches = self.dice.random_range(1..=3);
        let mut last: Option<(String, u64)> = None;
        for batch in 0..batches {
            let mut events: Vec<(String, u64)> = (0..self.dice.random_range(1..=4))
                .map(|n| (format!("u{}-{batch}-{n}", self.number), self.dice.random_range(1..=9)))
                .collect();
            events.extend(last.take());
            last = events.first().cloned();
            self.report(batch, events).await?;
        }
        Ok(())
    }

    async fn report(&self, batch: u32, events: Vec<(String, u64)>) -> Result<()> {
        let json: Vec<Value> = events
            .iter()
            .map(|(id, units)| {
                json!({ "id": id, "meter": "api_calls", "quantity": units, "at": self.traffic.used_at })
            })
            .collect();
        let request = Request::post("/v1/billing/usage-events", Value::Array(json));
        let request = request.under(format!("usage-{}-{batch}", self.number));
        let usage = Operation::Usage { events: events.into_iter().collect() };
        self.traffic.ask(self.ask_of_owner(usage, request)).await.map(drop)
    }

    /// Reads what the owner was told of before: nothing of it may be gone.
    async fn read_back(&self, subscription: Option<String>) -> Result<()> {
        self.read(ME, None).await?;
        self.read("/v1/billing/entitlements", None).await?;
        self.read("/v1/billing/invoices", None).await?;
        if subscription.is_some() {
            self.read("/v1/billing/subscription", subscription).await?;
        }
        Ok(())
    }

    async fn read(&self, path: &str, expects: Option<String>) -> Result<()> {
        let read = Operation::Read { path: path.to_owned(), expects };
        self.traffic.ask(self.ask_of_owner(read, Request::get(path))).await.map(drop)
    }
}

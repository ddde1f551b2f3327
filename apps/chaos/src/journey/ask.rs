//! Asking for one thing until it is answered, and writing down what was learnt.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use serde_json::Value;

use super::{Person, Traffic, lock};
use crate::{
    client::{Answer, Patience, Request},
    journal::{Certainty, Operation, Outcome},
};

/// A request, and what it means.
#[derive(Clone, Debug)]
pub struct Open {
    pub(super) id: u64,
    pub(super) ask: Ask,
    /// Whether an earlier attempt may have been done.
    pub(super) perhaps_done: bool,
}

/// What is asked for, and by whom.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) tenant: u64,
    pub(super) operation: Operation,
    pub(super) request: Request,
    pub(super) person: Option<Arc<Person>>,
    pub(super) proof: Proof,
}

/// What shows that a request was done whose repetition is refused because it was.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// Nothing: the repetition brings the first answer.
    Answer,
    /// That somebody can log in who could not before.
    LogIn(Arc<Person>),
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ended {
    Done(Value),
    /// With the problem that said so.
    Refused(Value),
    /// Nothing was done, for the reason that was told last.
    GaveUp(String),
    Unknown,
}

/// Said by who owns the key, and has just found it free: nothing that was asked for under it before
/// was done either.
pub(super) const KEY_IS_FREE: &str = "payment-provider-unavailable";

impl Traffic {
    /// Asks with a client's patience. What stays unknown is asked again at the end of the campaign.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Ended> {
        let id = self.journal.begin(ask.tenant, &ask.operation)?;
        self.finish(Open { id, ask, perhaps_done: false }, Patience::of_a_client()).await
    }

    /// Asks again for what is open.
    pub(super) async fn ask_again(&self, open: Open, patience: Duration) -> Result<Ended> {
        self.finish(open, Patience::new(u32::MAX, patience)).await
    }

    /// Goes on until there is an answer or no patience.
    pub(super) async fn finish(&self, mut open: Open, patience: Patience) -> Result<Ended> {
        let answer = self.persist(&mut open, patience).await?;
        let outcome = match &answer {
            Answer::Done(body) => Outcome::Done { id: named(&open.ask.operation, body) },
            Answer::Refused { slug, .. } => self.judge(&open, slug).await,
            Answer::NotDone { why, .. } if !open.perhaps_done => {
                Outcome::Refused { slug: format!("gave up: {why}") }
            }
            Answer::NotDone { why, .. } | Answer::Unknown { why, .. } => {
                Outcome::Unknown { why: why.clone() }
            }
            Answer::SignedOut => Outcome::Unknown { why: "signed out".to_owned() },
        };
        self.journal.end(open.id, &outcome)?;
        Ok(match (outcome, answer) {
            (Outcome::Done { .. }, Answer::Done(body)) => Ended::Done(body),
            (Outcome::Done { .. }, _) => Ended::Done(Value::Null),
            (Outcome::Refused { .. }, Answer::Refused { problem, .. }) => Ended::Refused(problem),
            (Outcome::Refused { slug }, answer) => Ended::GaveUp(match answer {
                Answer::NotDone { why, .. } => why,
                _ => slug,
            }),
            (Outcome::Unknown { .. }, _) => {
                lock(&self.open).push(open);
                Ended::Unknown
            }
        })
    }

    /// The last answer.
    async fn persist(&self, open: &mut Open, mut patience: Patience) -> Result<Answer> {
        let Open { id, ask, perhaps_done } = open;
        loop {
            patience.attempt();
            let token = ask.person.as_ref().and_then(|person| person.token());
            let answer = self.client.send(&ask.request, token.as_deref()).await;
            let wait = match &answer {
                Answer::Done(_) | Answer::Refused { .. } => return Ok(answer),
                Answer::NotDone { why, wait } => {
                    *perhaps_done &= why != KEY_IS_FREE;
                    self.journal.tried(*id, why, Certainty::NotDone)?;
                    *wait
                }
                Answer::Unknown { why, wait } => {
                    *perhaps_done = true;
                    self.journal.tried(*id, why, Certainty::PerhapsDone)?;
                    *wait
                }
                Answer::SignedOut => {
                    if let Some(person) = &ask.person {
                        person.log_in(&self.client, Patience::new(1, ONE_LOGIN)).await;
                    }
                    None
                }
            };
            if !patience.pause(wait).await {
                return Ok(answer);
            }
        }
    }

    /// A refusal that follows an attempt with an unknown outcome may be that attempt's success.
    async fn judge(&self, open: &Open, slug: &str) -> Outcome {
        let refused = Outcome::Refused { slug: slug.to_owned() };
        let Proof::LogIn(person) = &open.ask.proof else { return refused };
        if slug != "invalid-token" || !open.perhaps_done {
            return refused;
        }
        match person.log_in(&self.client, Patience::of_a_client()).await {
            Answer::Done(_) => Outcome::Done { id: None },
            Answer::Refused { .. } => refused,
            _ => Outcome::Unknown { why: "cannot log in to see".to_owned() },
        }
    }
}

/// Where somebody reads who they are, and in which tenant.
pub(super) const ME: &str = "/v1/auth/me";

const ONE_LOGIN: Duration = Duration::from_secs(5);

/// What the answer names.
fn named(operation: &Operation, body: &Value) -> Option<String> {
    let id = match operation {
        Operation::Accept { .. } => &body["user"]["id"],
        Operation::Read { path, .. } if path == ME => &body["tenant"]["id"],
        _ => &body["id"],
    };
    id.as_str().map(str::to_owned)
}

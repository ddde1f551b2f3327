//! Subscribing, with all the cards that there are.

use std::fmt;

use anyhow::Result;
use futures_util::future;
use rand::RngExt;
use serde_json::{Value, json};

use super::{
    ask::{Ended, KEY_IS_FREE, Open},
    organization::Organization,
};
use crate::{
    client::{Answer, Patience, Request},
    journal::{Certainty, Operation},
};

const PRICE: &str = "team_monthly_eur";
/// Minor units for a seat.
const SEAT: i64 = 1_200;
/// How many seats there are without a subscription.
const FREE_SEATS: u32 = 2;
/// How many requests a stampede is made of.
const STAMPEDE: u32 = 100;

/// What the owner knows after subscribing.
pub(super) struct Subscribed {
    /// How many seats there are.
    pub(super) seats: u32,
    /// The subscription, where there is one for certain.
    pub(super) id: Option<String>,
}

/// Subscribes, perhaps after a card that is declined, and perhaps again.
pub(super) async fn subscribe(of: &mut Organization<'_>) -> Result<Subscribed> {
    let quantity = of.dice.random_range(2..=5);
    let roll = of.dice.random_range(0..100);
    let first = match roll {
        0..8 => "pm_card_visa_chargeDeclined",
        8..12 => "pm_card_visa_chargeDeclinedInsufficientFunds",
        12..15 => "pm_sandbox_unreachable",
        15..25 => "pm_sandbox_hangs",
        _ => "pm_card_visa",
    };
    let mut ended = order(of, 1, quantity, first).await?;
    if roll < 12 && matches!(ended, Ended::Refused(_) | Ended::GaveUp(_)) {
        ended = order(of, 2, quantity, "pm_card_mastercard").await?;
    }
    // Now and then somebody clicks again after all is done: another order, under another key.
    if of.dice.random_bool(0.03) && matches!(ended, Ended::Done(_)) {
        order(of, 3, quantity, "pm_card_visa").await?;
    }
    Ok(match ended {
        Ended::Done(body) => {
            Subscribed { seats: quantity, id: body["id"].as_str().map(str::to_owned) }
        }
        Ended::Refused(_) | Ended::GaveUp(_) | Ended::Unknown => {
            Subscribed { seats: FREE_SEATS, id: None }
        }
    })
}

async fn order(of: &Organization<'_>, nth: u32, quantity: u32, method: &str) -> Result<Ended> {
    let at_once = if of.traffic.stampede_is_wanted() { STAMPEDE } else { 1 };
    let operation = Operation::Subscribe {
        quantity,
        amount: SEAT * i64::from(quantity),
        method: method.to_owned(),
        at_once,
    };
    let order = json!({ "price_id": PRICE, "quantity": quantity, "payment_method": method });
    let request = Request::post("/v1/billing/subscriptions", order);
    let request = request.under(format!("subscribe-{}-{nth}", of.number));
    let ask = of.ask_of_owner(operation, request);
    if at_once == 1 {
        return of.traffic.ask(ask).await;
    }
    let id = of.traffic.journal.begin(of.number, &ask.operation)?;
    let mut open = Open { id, ask, perhaps_done: false };
    let first = stampede(of, &mut open).await?;
    let ended = of.traffic.finish(open, Patience::of_a_client()).await?;
    if let Some((first, second)) = first.and_then(|first| first.contradicted_by(&ended)) {
        of.traffic.journal.contradicted(id, &first, &second)?;
    }
    of.traffic.stampedes_made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Ok(ended)
}

/// All requests at once, under one key. Says what the first of them was told that was told
/// anything; that others were told something else is noted.
async fn stampede(of: &Organization<'_>, open: &mut Open) -> Result<Option<Told>> {
    let token = of.owner.token();
    let client = of.traffic.client();
    let requests = (0..STAMPEDE).map(|_| client.send(&open.ask.request, token.as_deref()));
    let mut told: Option<Told> = None;
    for answer in future::join_all(requests).await {
        if let Answer::Unknown { why, .. } = &answer {
            open.perhaps_done = true;
            of.traffic.journal.tried(open.id, why, Certainty::PerhapsDone)?;
        }
        let Some(answer) = Told::by(answer) else { continue };
        match &told {
            None => told = Some(answer),
            Some(first) if *first != answer => {
                let (first, second) = (first.to_string(), answer.to_string());
                of.traffic.journal.contradicted(open.id, &first, &second)?;
            }
            Some(_) => {}
        }
    }
    // Whoever gives up after that must not take it for undone.
    open.perhaps_done |= matches!(told, Some(Told::Done(_)));
    Ok(told)
}

/// What a key has brought: it brings the same ever after.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Done(Value),
    /// By this problem, without what belongs to one request alone.
    Refused(Value),
}

impl Told {
    /// What a final answer says; the others say nothing of what the key will bring.
    fn by(answer: Answer) -> Option<Self> {
        match answer {
            Answer::Done(body) => Some(Self::Done(body)),
            Answer::Refused { problem, .. } => Some(Self::refused(problem)),
            Answer::NotDone { .. } | Answer::Unknown { .. } | Answer::SignedOut => None,
        }
    }

    fn refused(mut problem: Value) -> Self {
        if let Some(members) = problem.as_object_mut() {
            members.remove("trace_id");
        }
        Self::Refused(problem)
    }

    /// This answer and the one that the operation ended with, where they cannot both be true.
    fn contradicted_by(&self, ended: &Ended) -> Option<(String, String)> {
        let second = match ended {
            Ended::Done(body) => Self::Done(body.clone()),
            Ended::Refused(problem) => Self::refused(problem.clone()),
            Ended::GaveUp(why) if why == KEY_IS_FREE => {
                return Some((self.to_string(), format!("not done: {why}")));
            }
            Ended::GaveUp(_) | Ended::Unknown => return None,
        };
        (*self != second).then(|| (self.to_string(), second.to_string()))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(body) => write!(f, "done: {body}"),
            Self::Refused(problem) => write!(f, "refused: {problem}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(slug: &str, trace: &str) -> Value {
        json!({ "type": format!("urn:ashlar:problem:{slug}"), "trace_id": trace })
    }

    fn refused(slug: &str, trace: &str) -> Told {
        Told::refused(problem(slug, trace))
    }

    #[test]
    fn one_key_may_bring_one_answer_and_no_answer() {
        let done = Told::Done(json!({ "id": "s1" }));
        let declined = refused("payment-declined", "a");
        let gave_up = Ended::GaveUp("unavailable".to_owned());
        for (first, ended) in [
            (&done, Ended::Done(json!({ "id": "s1" }))),
            (&done, Ended::Unknown),
            (&done, gave_up.clone()),
            (&declined, Ended::Refused(problem("payment-declined", "b"))),
            (&declined, gave_up),
        ] {
            assert_eq!(first.contradicted_by(&ended), None, "{first} and {ended:?}");
        }
    }

    #[test]
    fn two_answers_under_one_key_contradict_each_other_of_whatever_kind_they_are() {
        let done = Told::Done(json!({ "id": "s1" }));
        let declined = refused("payment-declined", "a");
        let free = Ended::GaveUp(KEY_IS_FREE.to_owned());
        for (first, ended) in [
            (&done, Ended::Done(json!({ "id": "s2" }))),
            (&done, Ended::Refused(problem("already-subscribed", "a"))),
            (&done, free.clone()),
            (&declined, Ended::Done(json!({ "id": "s1" }))),
            (&declined, Ended::Refused(problem("already-subscribed", "a"))),
            (&declined, free),
        ] {
            assert!(first.contradicted_by(&ended).is_some(), "{first} and {ended:?}");
        }
    }

    #[test]
    fn only_what_is_final_counts_as_an_answer() {
        let why = || "unavailable".to_owned();
        for answer in [
            Answer::NotDone { why: why(), wait: None },
            Answer::Unknown { why: why(), wait: None },
            Answer::SignedOut,
        ] {
            assert_eq!(Told::by(answer), None);
        }
        // A refusal is not the same as being done, whatever its body.
        let body = problem("payment-declined", "a");
        let answer = Answer::Refused { slug: "payment-declined".to_owned(), problem: body.clone() };
        assert_ne!(Told::by(answer), Told::by(Answer::Done(body)));
    }
}

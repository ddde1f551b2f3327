//! Subscribing, with all the cards that there are.

use anyhow::Result;
use futures_util::future;
use rand::RngExt;
use serde_json::{Value, json};

use super::{
    ask::{Ended, Open},
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
    if roll < 12 && matches!(ended, Ended::Refused(_)) {
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
        Ended::Refused(_) | Ended::Unknown => Subscribed { seats: FREE_SEATS, id: None },
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
    if let (Some(first), Ended::Done(body)) = (first, &ended)
        && first != *body
    {
        of.traffic.journal.contradicted(id, &first.to_string(), &body.to_string())?;
    }
    of.traffic.stampedes_made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Ok(ended)
}

/// All requests at once, under one key. Says what the first of them was told that was told
/// anything; that others were told something else is noted.
async fn stampede(of: &Organization<'_>, open: &mut Open) -> Result<Option<Value>> {
    let token = of.owner.token();
    let client = of.traffic.client();
    let requests = (0..STAMPEDE).map(|_| client.send(&open.ask.request, token.as_deref()));
    let mut told: Option<Value> = None;
    for answer in future::join_all(requests).await {
        let body = match answer {
            Answer::Done(body) => body,
            Answer::Refused { problem, .. } => settled_part(problem),
            Answer::NotDone { .. } | Answer::SignedOut => continue,
            Answer::Unknown { why, .. } => {
                open.perhaps_done = true;
                of.traffic.journal.tried(open.id, &why, Certainty::PerhapsDone)?;
                continue;
            }
        };
        match &told {
            None => told = Some(body),
            Some(first) if *first != body => {
                let (first, second) = (first.to_string(), body.to_string());
                of.traffic.journal.contradicted(open.id, &first, &second)?;
            }
            Some(_) => {}
        }
    }
    Ok(told)
}

/// A problem without what belongs to one request alone.
fn settled_part(mut problem: Value) -> Value {
    if let Some(members) = problem.as_object_mut() {
        members.remove("trace_id");
    }
    problem
}

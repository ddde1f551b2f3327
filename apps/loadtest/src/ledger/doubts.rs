//! Requests whose outcome is unknown are sent again under their keys, until it is known.

use std::{sync::Mutex, time::Duration};

use futures_util::{StreamExt as _, stream};

use super::{Doubt, Ledger};
use crate::{
    client::{Client, Failure},
    people::Roster,
    recorder::lock,
};

/// How many are asked about at once.
const AT_ONCE: usize = 8;
/// A server that was overloaded comes back within this; and a key that was claimed by a request that
/// came to nothing is free again once its claim has run out.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// Tells `ledger` what becomes of `doubts`; a sentence for each that stays one.
pub(super) async fn settle(
    ledger: &Ledger,
    client: &Client,
    roster: &Roster,
    doubts: Vec<Doubt>,
) -> Vec<String> {
    let until = tokio::time::Instant::now() + PATIENCE;
    let faults = Mutex::new(Vec::new());
    stream::iter(doubts)
        .for_each_concurrent(AT_ONCE, async |doubt| {
            let mut last = None;
            let asking = tokio::time::timeout_at(until, ask(client, roster, &doubt, &mut last));
            match asking.await {
                Ok(Outcome::Done) => ledger.told(doubt.entry, doubt.tenant, doubt.worth),
                Ok(Outcome::Refused) => {}
                Err(_) => {
                    let what = doubt.request.operation;
                    let last = last.map_or_else(|| "nothing".to_owned(), Failure::name);
                    lock(&faults).push(format!(
                        "{what}: its outcome is still unknown after {} s, and the last answer {last}",
                        PATIENCE.as_secs()
                    ));
                }
            }
        })
        .await;
    let mut faults = lock(&faults);
    std::mem::take(&mut *faults)
}

enum Outcome {
    Done,
    Refused,
}

async fn ask(
    client: &Client,
    roster: &Roster,
    doubt: &Doubt,
    last: &mut Option<Failure>,
) -> Outcome {
    loop {
        // The session may have been exchanged since.
        let request = doubt.request.clone();
        let request = match roster.owner(doubt.tenant) {
            Some(owner) => request.by(owner.bearer()),
            None => request,
        };
        match client.send(&request).await.outcome {
            Ok(_) => return Outcome::Done,
            // 409: the first request is still at work; 401: the session is being exchanged.
            Err(Failure::Status(status))
                if (400..500).contains(&status) && !matches!(status, 401 | 409 | 429) =>
            {
                return Outcome::Refused;
            }
            Err(failure) => {
                *last = Some(failure);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

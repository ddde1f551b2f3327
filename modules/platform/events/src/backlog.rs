//! How much is waiting.

use kernel::Timestamp;
use serde::Serialize;
use storage::{
    Store, StoreError,
    tables::{
        inbox::{self, State},
        scheduled,
    },
};

use crate::{
    inbox::open,
    relay::{self, Relay},
    scopes::OPERATOR,
};

/// What a module's engine has yet to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// Events on their way out, for each destination that has any.
    pub outbox: Vec<DestinationBacklog>,
    /// Deliveries that wait for a first or another attempt.
    pub pending: u64,
    /// Dead letters.
    pub dead: u64,
    /// Events for later.
    pub scheduled: u64,
}

/// What waits for one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DestinationBacklog {
    /// The module that is to hear of it.
    pub destination: String,
    /// How many events wait.
    pub waiting: u64,
    /// When the first of them was written.
    pub oldest: Timestamp,
    /// Since when it has not taken events, where it does not; as this process knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// The last error, where it does not take events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

pub(crate) async fn read(store: &Store, relay: &Relay) -> Result<Backlog, StoreError> {
    let reader = store.system(&OPERATOR);
    let in_state = |state: State| reader.find::<inbox::Entity>().filter(open(state)).count();
    let outbox = relay::backlog(store).await?;
    let outbox = outbox.into_iter().map(|(destination, waiting, oldest)| {
        let trouble = relay.trouble(&destination);
        let (failing_since, last_error) =
            trouble.map(|trouble| (trouble.since, trouble.last_error)).unzip();
        DestinationBacklog { destination, waiting, oldest, failing_since, last_error }
    });
    Ok(Backlog {
        outbox: outbox.collect(),
        pending: in_state(State::Pending).await?,
        dead: in_state(State::Dead).await?,
        scheduled: reader.find::<scheduled::Entity>().count().await?,
    })
}

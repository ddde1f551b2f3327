//! What could not be handled, for operators.

use std::{fmt, str::FromStr, sync::Arc};

use kernel::{Aggregate, DEFAULT_PAGE_SIZE, Envelope, EventId, MAX_PAGE_SIZE, TenantId, Timestamp};
use sea_orm::{ColumnTrait, Condition, sea_query::ExprTrait};
use serde::{Deserialize, Serialize};
use storage::{
    Store, StoreError,
    tables::inbox::{Column, Entity, Model, State},
};
use tokio::sync::Notify;

use crate::{
    history::{self, Entry},
    inbox,
    scopes::OPERATOR,
};

/// The dead letters of one module. Cheap to clone.
#[derive(Clone)]
pub struct DeadLetters {
    store: Store,
    consumers: Arc<[&'static str]>,
    wake: Arc<Notify>,
}

/// Which dead letters to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterQuery {
    /// Those of one consumer; of all where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// How many: 1 to 100, and 20 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; the first page where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<DeadLetterId>,
}

/// A page of dead letters, the newest events first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterPage {
    /// The dead letters.
    pub items: Vec<DeadLetter>,
    /// Pass it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<DeadLetterId>,
}

/// Names a dead letter: `<event id>/<consumer>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeadLetterId {
    /// The event.
    pub event: EventId,
    /// Who could not handle it.
    pub consumer: String,
}

/// A delivery that was parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its name.
    pub id: DeadLetterId,
    /// The type of the event; absent where the stored envelope cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The version of the event's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Whose fact it is, if anyone's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
    /// When it came.
    pub received_at: Timestamp,
    /// What happened last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Entry>,
}

/// A dead letter with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterDetail {
    /// The dead letter.
    #[serde(flatten)]
    pub letter: DeadLetter,
    /// All that happened to it, the oldest first.
    pub history: Vec<Entry>,
    /// The envelope as it came. Its payload may hold personal data: show it to operators alone.
    pub envelope: serde_json::Value,
}

/// Why a dead letter is not handled again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is none of that name, or none any more.
    #[error("there is no dead letter {0}")]
    NotFound(DeadLetterId),
    /// This build has no such consumer: the letter would wait for ever.
    #[error("this build has no consumer `{0}`")]
    NoSuchConsumer(String),
    /// The store's.
    #[error("the dead letters cannot be reached")]
    Store(#[from] StoreError),
}

impl DeadLetters {
    pub(crate) fn new(
        store: Store,
        consumers: impl Iterator<Item = &'static str>,
        wake: Arc<Notify>,
    ) -> Self {
        Self { store, consumers: consumers.collect(), wake }
    }

    /// Lists dead letters.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, query: &DeadLetterQuery) -> Result<DeadLetterPage, StoreError> {
        let size = query.limit.unwrap_or(DEFAULT_PAGE_SIZE).clamp(1, MAX_PAGE_SIZE);
        let mut wanted = Condition::all().add(Column::State.eq(State::Dead));
        if let Some(consumer) = &query.consumer {
            wanted = wanted.add(Column::Consumer.eq(consumer.as_str()));
        }
        if let Some(seen) = &query.cursor {
            wanted = wanted.add(after(seen));
        }
        let mut rows = self
            .store
            .system(&OPERATOR)
            .find::<Entity>()
            .filter(wanted)
            .order_by_desc(Column::EventId)
            .order_by_asc(Column::Consumer)
            .limit(u64::from(size) + 1)
            .all()
            .await?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let items: Vec<DeadLetter> = rows.into_iter().map(DeadLetter::from).collect();
        let next_cursor = items.last().filter(|_| more).map(|letter| letter.id.clone());
        Ok(DeadLetterPage { items, next_cursor })
    }

    /// Shows one with its history and envelope; `None` where there is none of that name.
    ///
    /// # Errors
    /// The store's.
    pub async fn show(&self, id: &DeadLetterId) -> Result<Option<DeadLetterDetail>, StoreError> {
        Ok(self.find(id).await?.map(DeadLetterDetail::from))
    }

    /// Has one handled again, from its first attempt on. Its history goes on. It is handled before
    /// what waits under its key, and after what has been handled since it was parked.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub async fn replay(&self, id: &DeadLetterId) -> Result<(), ReplayError> {
        self.must_have(&id.consumer)?;
        let not_found = || ReplayError::NotFound(id.clone());
        let row = self.find(id).await?.ok_or_else(not_found)?;
        if !inbox::replay(&self.store, &row).await? {
            return Err(not_found());
        }
        self.wake.notify_one();
        Ok(())
    }

    /// Has all of a consumer handled again, and says how many these are.
    ///
    /// # Errors
    /// See [`ReplayError`]; what was replayed before the error stays so.
    pub async fn replay_all(&self, consumer: &str) -> Result<u64, ReplayError> {
        const AT_ONCE: u64 = 100;

        self.must_have(consumer)?;
        let mut replayed = 0;
        let mut last: Option<DeadLetterId> = None;
        loop {
            // From one to the next, so that what dies again meanwhile is not replayed for ever.
            let mut wanted = Condition::all()
                .add(Column::State.eq(State::Dead))
                .add(Column::Consumer.eq(consumer));
            if let Some(last) = &last {
                wanted = wanted.add(Column::EventId.gt(last.event.0));
            }
            let rows = self
                .store
                .system(&OPERATOR)
                .find::<Entity>()
                .filter(wanted)
                .order_by_asc(Column::EventId)
                .limit(AT_ONCE)
                .all()
                .await?;
            let Some(row) = rows.last() else { break };
            last = Some(id_of(row));
            for row in &rows {
                replayed += u64::from(inbox::replay(&self.store, row).await?);
            }
            self.wake.notify_one();
        }
        Ok(replayed)
    }

    async fn find(&self, id: &DeadLetterId) -> Result<Option<Model>, StoreError> {
        self.store
            .system(&OPERATOR)
            .find::<Entity>()
            .filter(Column::EventId.eq(id.event.0))
            .filter(Column::Consumer.eq(id.consumer.as_str()))
            .filter(Column::State.eq(State::Dead))
            .one()
            .await
    }

    fn must_have(&self, consumer: &str) -> Result<(), ReplayError> {
        if self.consumers.contains(&consumer) {
            return Ok(());
        }
        Err(ReplayError::NoSuchConsumer(consumer.to_owned()))
    }
}

/// What comes after `seen` in the order of the list.
fn after(seen: &DeadLetterId) -> Condition {
    Condition::any()
        .add(Column::EventId.lt(seen.event.0))
        .add(Column::EventId.eq(seen.event.0).and(Column::Consumer.gt(seen.consumer.as_str())))
}

fn id_of(row: &Model) -> DeadLetterId {
    DeadLetterId { event: EventId(row.event_id), consumer: row.consumer.clone() }
}

impl From<Model> for DeadLetter {
    fn from(row: Model) -> Self {
        let envelope: Option<Envelope> = row.envelope().ok().flatten();
        let (event_type, version, aggregate) = match envelope {
            Some(envelope) => {
                (Some(envelope.event_type), Some(envelope.version), Some(envelope.aggregate))
            }
            None => (None, None, None),
        };
        Self {
            id: id_of(&row),
            event_type,
            version,
            tenant: row.tenant_id.map(TenantId),
            aggregate,
            received_at: row.received_at.into(),
            last: history::read(&row.history).pop(),
        }
    }
}

impl From<Model> for DeadLetterDetail {
    fn from(row: Model) -> Self {
        let history = history::read(&row.history);
        let envelope = row.envelope.clone().unwrap_or_default();
        Self { letter: row.into(), history, envelope }
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.event, self.consumer)
    }
}

/// The text is not `<event id>/<consumer>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `<event id>/<consumer>`")]
pub struct MalformedDeadLetterId(String);

impl FromStr for DeadLetterId {
    type Err = MalformedDeadLetterId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || MalformedDeadLetterId(text.to_owned());
        let (event, consumer) = text.split_once('/').ok_or_else(malformed)?;
        let event = event.parse().map_err(|_| malformed())?;
        Ok(Self { event, consumer: consumer.to_owned() })
    }
}

impl TryFrom<String> for DeadLetterId {
    type Error = MalformedDeadLetterId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DeadLetterId> for String {
    fn from(id: DeadLetterId) -> Self {
        id.to_string()
    }
}

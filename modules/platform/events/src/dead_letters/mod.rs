//! What could not be handled, for operators.

mod letter;

use std::sync::Arc;

use kernel::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE};
use sea_orm::{ColumnTrait, Condition, sea_query::ExprTrait};
use storage::{
    Store, StoreError,
    tables::inbox::{Column, Entity, Model, State},
};
use tokio::sync::Notify;

use self::letter::id_of;
pub use self::letter::{
    DeadLetter, DeadLetterDetail, DeadLetterId, DeadLetterPage, DeadLetterQuery,
    MalformedDeadLetterId,
};
use crate::{inbox, scopes::OPERATOR};

/// The dead letters of one module. Cheap to clone.
#[derive(Clone)]
pub struct DeadLetters {
    store: Store,
    consumers: Arc<[&'static str]>,
    wake: Arc<Notify>,
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
        let mut wanted = inbox::open(State::Dead);
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
            let mut wanted = inbox::open(State::Dead).add(Column::Consumer.eq(consumer));
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

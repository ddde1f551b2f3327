use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use kernel::{CallContext, Envelope, EventId};
use seam::{CallFailure, DeliveryError, EventBatch, EventInbox, Receipt};
use tokio::sync::watch;

/// An inbox that writes down what it takes, repetitions included, and can be told to take nothing,
/// or to get stuck at one event.
#[derive(Debug, Default)]
pub struct Notebook {
    state: Mutex<State>,
    /// How often it was asked to take something.
    asked: watch::Sender<usize>,
    /// How much is written down.
    noted: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    noted: Vec<Envelope>,
    stuck_at: HashSet<EventId>,
    takes_nothing: bool,
}

impl Notebook {
    /// Nothing is written down, and everything will be taken.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// As if its store were down, until [`Notebook::heal`].
    pub fn fail(&self) {
        self.state().takes_nothing = true;
    }

    /// As if its store could not hold this event, until [`Notebook::heal`].
    pub fn get_stuck_at(&self, event: EventId) {
        self.state().stuck_at.insert(event);
    }

    /// Takes everything again.
    pub fn heal(&self) {
        let mut state = self.state();
        state.takes_nothing = false;
        state.stuck_at.clear();
    }

    /// What came, in order.
    #[must_use]
    pub fn noted(&self) -> Vec<Envelope> {
        self.state().noted.clone()
    }

    /// What came, in the order of the first time.
    #[must_use]
    pub fn distinct(&self) -> Vec<Envelope> {
        let mut seen = HashSet::new();
        let mut noted = self.noted();
        noted.retain(|envelope| seen.insert(envelope.id));
        noted
    }

    /// Waits until so many different events have come.
    pub async fn reached(&self, events: usize) {
        let mut noted = self.noted.subscribe();
        let enough = super::within(noted.wait_for(|_| self.distinct().len() >= events)).await;
        assert!(enough.is_ok(), "the notebook is still there");
    }

    /// Waits until it has been asked so often, in vain or not.
    pub async fn asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        let enough = super::within(asked.wait_for(|so_far| *so_far >= times)).await;
        assert!(enough.is_ok(), "the notebook is still there");
    }

    fn take(&self, envelopes: Vec<Envelope>) -> Result<Receipt, DeliveryError> {
        let mut state = self.state();
        let is_stuck =
            |envelope: &Envelope| state.takes_nothing || state.stuck_at.contains(&envelope.id);
        let fine = envelopes.iter().position(is_stuck).unwrap_or(envelopes.len());
        if fine == 0 && !envelopes.is_empty() {
            return Err(CallFailure::outcome_unknown("notebook").into());
        }
        let taken = envelopes.into_iter().take(fine);
        let before = state.noted.len();
        state.noted.extend(taken);
        let taken = state.noted[before..].iter().map(|envelope| envelope.id).collect();
        Ok(Receipt { taken })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventInbox for Notebook {
    async fn deliver(
        &self,
        ctx: &CallContext,
        batch: EventBatch,
    ) -> Result<Receipt, DeliveryError> {
        ctx.mark_recorded();
        let outcome = self.take(batch.envelopes);
        let noted = self.state().noted.len();
        self.noted.send_replace(noted);
        self.asked.send_modify(|times| *times += 1);
        outcome
    }
}

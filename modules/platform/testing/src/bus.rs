use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use kernel::{Envelope, Event};
use seam::{CallFailure, EventBus, Receipt};

/// A bus that leads nowhere and remembers what it was given. A destination can be made to fail.
#[derive(Debug, Default)]
pub struct RecordingBus(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    taken: Vec<Published>,
    failing: HashMap<String, CallFailure>,
    attempts: HashMap<String, usize>,
}

/// An envelope that a destination took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The module that it was for.
    pub destination: String,
    /// What it took.
    pub envelope: Envelope,
}

impl RecordingBus {
    /// A bus whose every destination takes everything.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Has publications to `destination` fail, until [`RecordingBus::heal`].
    pub fn fail(&self, destination: &str, failure: CallFailure) {
        self.state().failing.insert(destination.to_owned(), failure);
    }

    /// Has `destination` take everything again.
    pub fn heal(&self, destination: &str) {
        self.state().failing.remove(destination);
    }

    /// How often it was asked to publish to `destination`, in vain or not.
    #[must_use]
    pub fn attempts(&self, destination: &str) -> usize {
        self.state().attempts.get(destination).copied().unwrap_or_default()
    }

    /// Everything that was taken, in order; an envelope that came twice is told once.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        let mut seen = HashSet::new();
        let state = self.state();
        let first = |published: &&Published| {
            seen.insert((published.destination.clone(), published.envelope.id))
        };
        state.taken.iter().filter(first).cloned().collect()
    }

    /// The events of one type that `destination` took, in order.
    ///
    /// # Panics
    /// Where one of them cannot be read.
    #[must_use]
    pub fn events<E: Event>(&self, destination: &str) -> Vec<E> {
        let published = self.published();
        let wanted = published.iter().filter(|published| {
            published.destination == destination && published.envelope.event_type == E::TYPE
        });
        let read = |published: &Published| match published.envelope.decode() {
            Ok(event) => event,
            Err(error) => panic!("{} cannot be read: {error}", E::TYPE),
        };
        wanted.map(read).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventBus for RecordingBus {
    async fn publish(
        &self,
        destination: &str,
        envelopes: Vec<Envelope>,
    ) -> Result<Receipt, CallFailure> {
        let mut state = self.state();
        *state.attempts.entry(destination.to_owned()).or_default() += 1;
        if let Some(failure) = state.failing.get(destination) {
            return Err(failure.clone());
        }
        let taken = envelopes.iter().map(|envelope| envelope.id).collect();
        let destination = destination.to_owned();
        state.taken.extend(
            envelopes
                .into_iter()
                .map(|envelope| Published { destination: destination.clone(), envelope }),
        );
        Ok(Receipt { taken })
    }
}

//! What commits leave for the module's engine to bring on.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

/// What transactions have left to be done since somebody last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Where events are to be sent.
    pub destinations: BTreeSet<String>,
    /// Whether an event was scheduled that is due already.
    pub scheduled: bool,
}

impl News {
    pub(crate) fn is_none(&self) -> bool {
        self.destinations.is_empty() && !self.scheduled
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.destinations.extend(other.destinations);
        self.scheduled |= other.scheduled;
    }
}

/// Where transactions leave word, and the engine finds it.
#[derive(Debug, Default)]
pub(crate) struct Newsboard {
    unread: Mutex<News>,
    posted: Notify,
}

impl Newsboard {
    pub(crate) fn post(&self, news: News) {
        if !news.is_none() {
            self.unread.lock().unwrap_or_else(PoisonError::into_inner).add(news);
            self.posted.notify_one();
        }
    }

    /// Waits until there are some, and takes them. Where it is dropped, none are lost.
    pub(crate) async fn take(&self) -> News {
        loop {
            self.posted.notified().await;
            let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
            let news = std::mem::take(&mut *unread);
            if !news.is_none() {
                return news;
            }
        }
    }
}

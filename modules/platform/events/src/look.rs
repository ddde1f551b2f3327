//! Where an engine looks for something to do.

use std::collections::BTreeSet;

use storage::News;

use crate::work::Job;

/// What to look for.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) schedule: bool,
    pub(crate) outbox: Outbox,
    pub(crate) inbox: bool,
}

/// Where something may be to be sent.
#[derive(Debug)]
pub(crate) enum Outbox {
    Anywhere,
    To(BTreeSet<String>),
}

impl Default for Outbox {
    fn default() -> Self {
        Self::To(BTreeSet::new())
    }
}

impl Look {
    pub(crate) fn everywhere() -> Self {
        Self { schedule: true, outbox: Outbox::Anywhere, inbox: true }
    }

    pub(crate) fn at_the_inbox() -> Self {
        Self { inbox: true, ..Self::default() }
    }

    /// Where a commit left something.
    pub(crate) fn at(news: News) -> Self {
        let News { destinations, scheduled } = news;
        Self { schedule: scheduled, outbox: Outbox::To(destinations), inbox: false }
    }

    /// Where there may be more to do after `jobs`.
    pub(crate) fn after(jobs: Vec<Job>) -> Self {
        let (mut destinations, mut inbox) = (BTreeSet::new(), false);
        for job in jobs {
            match job {
                Job::Destination(destination) => drop(destinations.insert(destination)),
                Job::Key { .. } => inbox = true,
                Job::Sweep | Job::Watch => {}
            }
        }
        Self { schedule: false, outbox: Outbox::To(destinations), inbox }
    }
}

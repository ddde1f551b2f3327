//! Attempts at one piece of work.

use std::time::Duration;

use sea_orm::sqlx::Error;
use tokio::time::Instant;

use super::{
    errors::{is_hung, is_lost, is_stale},
    pool::Pool,
};

/// Work begins anew where its connection turns out to be gone. However often it does, connections
/// are waited for until one and the same deadline.
pub(super) struct Tries<'p> {
    pool: &'p Pool,
    deadline: Instant,
    left: u32,
    may_be_turned_away: bool,
}

impl<'p> Tries<'p> {
    /// The first attempt and up to `more`, from now on.
    pub(super) fn new(pool: &'p Pool, acquire_time: Duration, more: u32) -> Self {
        Self { pool, deadline: Instant::now() + acquire_time, left: more, may_be_turned_away: true }
    }

    /// Attempts that are not turned away for the load that others make.
    pub(super) fn no_newcomer(self) -> Self {
        Self { may_be_turned_away: false, ..self }
    }

    /// Whether the work may be turned away for the load that others make: none was tried before.
    pub(super) const fn may_be_turned_away(&self) -> bool {
        self.may_be_turned_away
    }

    /// Until when a connection is waited for.
    pub(super) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether a connection may still be waited for.
    pub(super) fn are_in_time(&self) -> bool {
        Instant::now() < self.deadline
    }

    /// Whether another connection is worth a try. Where one is gone, the others that nobody used
    /// in the meantime are likely to be gone too.
    pub(super) fn goes_over_another(&mut self, error: &Error) -> bool {
        let is_gone = is_lost(error) && !is_hung(error);
        if is_gone {
            self.pool.forget_idle();
        }
        self.may_be_turned_away = false;
        let is_left = self.left > 0 && self.are_in_time();
        self.left = self.left.saturating_sub(1);
        is_left && (is_gone || is_stale(error))
    }
}

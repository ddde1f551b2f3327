//! Keeping quiet while SendGrid takes no more.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Until when nothing is sent, so that a thousand waiting mails do not each ask whether the limit
/// is over.
#[derive(Debug, Default)]
pub(crate) struct Pause(Mutex<Option<Instant>>);

impl Pause {
    /// A provider's clock that is far from ours must not silence us for long.
    pub(crate) const LONGEST: Duration = Duration::from_secs(60);

    pub(crate) fn begin(&self, until: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// How much of it is left at `now`; `None` where mails may be sent.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_over_when_its_time_is() {
        let (pause, now) = (Pause::default(), Instant::now());
        assert_eq!(pause.left(now), None);
        pause.begin(now + Duration::from_secs(3));
        assert_eq!(pause.left(now + Duration::from_secs(1)), Some(Duration::from_secs(2)));
        assert_eq!(pause.left(now + Duration::from_secs(3)), None);
        assert_eq!(pause.left(now + Duration::from_secs(4)), None);
    }
}

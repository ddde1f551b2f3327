//! Time, as a value that is injected.

use std::{fmt, sync::Mutex, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use utoipa::ToSchema;

/// A moment in UTC, to the microsecond (what both engines store). RFC 3339 on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z")]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// Cuts `moment` to the microsecond and moves it to UTC.
    #[must_use]
    pub fn new(moment: OffsetDateTime) -> Self {
        let moment = moment.to_offset(UtcOffset::UTC);
        let micros = moment.microsecond();
        // A microsecond is always below 1,000,000, the only thing this could refuse.
        Self(moment.replace_microsecond(micros).unwrap_or(moment))
    }

    /// The same moment for libraries that take [`OffsetDateTime`].
    #[must_use]
    pub const fn to_offset_date_time(self) -> OffsetDateTime {
        self.0
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// `None` where the result would leave the calendar.
    #[must_use]
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let duration = time::Duration::try_from(duration).ok()?;
        self.0.checked_add(duration).map(Self)
    }

    /// How long after `earlier` this is; zero where it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0 - earlier.0).unwrap_or_default()
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    /// Stays at the end of the calendar (the year 9999) rather than panic.
    fn add(self, duration: Duration) -> Self {
        let duration = time::Duration::try_from(duration).unwrap_or(time::Duration::MAX);
        Self(self.0.saturating_add(duration))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    /// Stays at the start of the calendar rather than panic.
    fn sub(self, duration: Duration) -> Self {
        let duration = time::Duration::try_from(duration).unwrap_or(time::Duration::MAX);
        Self(self.0.saturating_sub(duration))
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(moment: OffsetDateTime) -> Self {
        Self::new(moment)
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(moment: Timestamp) -> Self {
        moment.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = time::error::Parse;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self::new)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            de::Error::custom("expected an RFC 3339 time such as 2026-03-01T12:00:00Z")
        })
    }
}

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock, in UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::new(OffsetDateTime::now_utc())
    }
}

/// A clock that moves only when it is told to.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Stands at `start`.
    #[must_use]
    pub const fn new(start: Timestamp) -> Self {
        Self(Mutex::new(start))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = *now + by;
    }

    /// Moves to `moment`, forward or back, as an operator's hand or a time server may.
    pub fn set(&self, moment: Timestamp) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = moment;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

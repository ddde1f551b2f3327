//! Stretches of calendar time, in UTC.

use kernel::Timestamp;
use time::{Date, Month, OffsetDateTime, Time};

use crate::catalog::Interval;

/// From `start` until just before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl Period {
    /// One interval from `start`, to the same time of day. Where the last month has no such day,
    /// it ends on that month's last day: from 31 January, a month lasts until 28 or 29 February.
    pub(crate) fn starting(start: Timestamp, interval: Interval) -> Self {
        let from = start.to_offset_date_time();
        let end = add_months(from.date(), interval.months());
        Self { start, end: from.replace_date(end).into() }
    }

    /// The calendar month that `at` falls into.
    pub(crate) fn month_of(at: Timestamp) -> Self {
        let day = at.to_offset_date_time().date();
        // The first day of a month that exists, exists.
        let first = day.replace_day(1).unwrap_or(day);
        let midnight = |day: Date| OffsetDateTime::new_utc(day, Time::MIDNIGHT).into();
        Self { start: midnight(first), end: midnight(add_months(first, 1)) }
    }
}

/// The same day `months` later, or the last one of a shorter month; stays in the calendar.
fn add_months(day: Date, months: i32) -> Date {
    let since_year_zero = day.year() * 12 + i32::from(u8::from(day.month())) - 1 + months;
    let (year, month) = (since_year_zero.div_euclid(12), since_year_zero.rem_euclid(12));
    let month = u8::try_from(month + 1).ok().and_then(|month| Month::try_from(month).ok());
    month
        .and_then(|month| {
            let last = month.length(year);
            Date::from_calendar_date(year, month, day.day().min(last)).ok()
        })
        .unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_month_ends_on_the_same_day_or_the_last_one() {
        for (start, month, year) in [
            ("2026-03-15T10:30:00Z", "2026-04-15T10:30:00Z", "2027-03-15T10:30:00Z"),
            ("2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", "2027-01-31T00:00:00Z"),
            ("2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z", "2029-01-31T00:00:00Z"),
            ("2028-02-29T23:59:59Z", "2028-03-29T23:59:59Z", "2029-02-28T23:59:59Z"),
            ("2026-12-31T12:00:00Z", "2027-01-31T12:00:00Z", "2027-12-31T12:00:00Z"),
        ] {
            assert_eq!(Period::starting(at(start), Interval::Month).end, at(month), "{start}");
            assert_eq!(Period::starting(at(start), Interval::Year).end, at(year), "{start}");
        }
    }

    #[test]
    fn a_calendar_month_begins_and_ends_at_midnight() {
        let month = Period::month_of(at("2026-12-31T23:59:59.999999Z"));
        assert_eq!(month.start, at("2026-12-01T00:00:00Z"));
        assert_eq!(month.end, at("2027-01-01T00:00:00Z"));
    }

    proptest! {
        #[test]
        fn a_moment_lies_in_its_month_and_months_join(seconds in 0_i64..4_102_444_800) {
            let moment = Timestamp::new(OffsetDateTime::from_unix_timestamp(seconds).expect("a time"));
            let month = Period::month_of(moment);
            prop_assert!(month.start <= moment && moment < month.end);
            prop_assert_eq!(Period::month_of(month.end).start, month.end);
            prop_assert_eq!(Period::month_of(month.start), month);
        }

        #[test]
        fn a_period_is_about_as_long_as_its_name_says(seconds in 0_i64..4_102_444_800) {
            let start = Timestamp::new(OffsetDateTime::from_unix_timestamp(seconds).expect("a time"));
            let days = |interval| {
                Period::starting(start, interval).end.since(start).as_secs() / 86_400
            };
            prop_assert!((28..=31).contains(&days(Interval::Month)));
            prop_assert!((365..=366).contains(&days(Interval::Year)));
        }
    }
}

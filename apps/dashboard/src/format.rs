//! Numbers and times for people.

use std::time::Duration;

use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

const CLOCK: &[BorrowedFormatItem<'_>] =
    format_description!("[hour]:[minute]:[second].[subsecond digits:3]");
const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

/// How long something took: two or three digits, and the unit that leaves so many.
pub(crate) fn took(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    if micros < 1.0 {
        format!("{} ns", duration.as_nanos())
    } else if micros < 1e3 {
        with_unit(micros, "µs")
    } else if micros < 1e6 {
        with_unit(micros / 1e3, "ms")
    } else if micros < 120e6 {
        with_unit(micros / 1e6, "s")
    } else {
        age(duration)
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// How long something has waited, in the two largest units.
pub(crate) fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if minutes == 0 {
        format!("{seconds} s")
    } else if hours == 0 {
        format!("{minutes} min {} s", seconds % 60)
    } else if days == 0 {
        format!("{hours} h {} min", minutes % 60)
    } else {
        format!("{days} d {} h", hours % 24)
    }
}

/// How often something happens in a second.
pub(crate) fn per_second(rate: f64) -> String {
    if rate == 0.0 {
        "0/s".to_owned()
    } else if rate < 0.095 {
        format!("{rate:.2}/s")
    } else if rate < 9.95 {
        format!("{rate:.1}/s")
    } else {
        format!("{rate:.0}/s")
    }
}

/// The time of a day, in UTC, to the millisecond.
pub(crate) fn time_of_day(moment: impl Into<OffsetDateTime>) -> String {
    written(moment.into(), CLOCK)
}

/// A moment in UTC, to the second.
pub(crate) fn moment(moment: impl Into<OffsetDateTime>) -> String {
    written(moment.into(), MOMENT)
}

fn written(moment: OffsetDateTime, format: &[BorrowedFormatItem<'_>]) -> String {
    // All of their parts are there in every moment.
    moment.format(format).unwrap_or_else(|_| moment.to_string())
}

/// A number and what is counted, in the right one of its two forms.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_unit_that_fits() {
        for (nanos, expected) in [
            (0, "0 ns"),
            (640, "640 ns"),
            (8_440, "8.4 µs"),
            (850_000, "850 µs"),
            (1_240_000, "1.2 ms"),
            (342_000_000, "342 ms"),
            (2_100_000_000, "2.1 s"),
            (184_000_000_000, "3 min 4 s"),
        ] {
            assert_eq!(took(Duration::from_nanos(nanos)), expected);
        }
    }

    #[test]
    fn ages_have_two_units() {
        for (seconds, expected) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7_260, "2 h 1 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(age(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn rates_are_short() {
        for (rate, expected) in
            [(0.0, "0/s"), (0.016, "0.02/s"), (0.42, "0.4/s"), (9.96, "10/s"), (1_234.5, "1234/s")]
        {
            assert_eq!(per_second(rate), expected);
        }
    }
}

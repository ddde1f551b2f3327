//! What a batch of usage may hold.

use std::{collections::HashSet, time::Duration};

use billing_api::{BillingError, UsageEvent};
use kernel::Timestamp;

use super::retention::KEPT;
use crate::catalog::Catalog;

/// The most events at a time.
const MOST_EVENTS: usize = 1_000;
/// The longest id of an event, in characters.
const LONGEST_ID: usize = 255;
/// The most units in one event.
const MOST_UNITS: u64 = 1_000_000_000;
/// How far a sender's clock may be ahead of ours.
const LEAD: Duration = Duration::from_secs(5 * 60);
/// How late usage may be reported: a whole month and some days, so that what a sender held back
/// over an outage still counts in its month.
const DELAY: Duration = Duration::from_secs(35 * 24 * 60 * 60);

// What may still come must not be forgotten.
const _: () = assert!(KEPT.as_secs() > DELAY.as_secs() + LEAD.as_secs());

/// Refuses a batch for the first event that cannot be counted.
pub(super) fn check(
    catalog: &Catalog,
    now: Timestamp,
    events: &[UsageEvent],
) -> Result<(), BillingError> {
    if !(1..=MOST_EVENTS).contains(&events.len()) {
        return Err(invalid(format!("a batch has 1 to {MOST_EVENTS} events")));
    }
    events.iter().enumerate().try_for_each(|(index, event)| {
        if !(1..=LONGEST_ID).contains(&event.id.chars().count()) {
            return Err(invalid(format!("#/{index}/id: 1 to {LONGEST_ID} characters")));
        }
        if !catalog.has_meter(&event.meter) {
            return Err(BillingError::UnknownMeter { meter: event.meter.clone() });
        }
        if !(1..=MOST_UNITS).contains(&event.quantity) {
            return Err(invalid(format!("#/{index}/quantity: 1 to {MOST_UNITS}")));
        }
        if event.at > now + LEAD {
            return Err(invalid(format!("#/{index}/at: more than 5 minutes in the future")));
        }
        if event.at < now - DELAY {
            return Err(invalid(format!("#/{index}/at: more than 35 days ago")));
        }
        Ok(())
    })
}

/// The events that `counted` does not know, the first of each id.
pub(super) fn unseen<'e>(
    events: &'e [UsageEvent],
    counted: &HashSet<String>,
) -> Vec<&'e UsageEvent> {
    let mut seen = HashSet::new();
    events.iter().filter(|event| !counted.contains(&event.id) && seen.insert(&*event.id)).collect()
}

/// Units, as they are stored.
pub(super) fn quantity(event: &UsageEvent) -> i64 {
    // `check` keeps it far below.
    i64::try_from(event.quantity).unwrap_or(i64::MAX)
}

fn invalid(detail: String) -> BillingError {
    BillingError::Invalid { detail }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-15T12:00:00Z".parse().expect("a time")
    }

    fn event(id: &str) -> UsageEvent {
        UsageEvent { id: id.to_owned(), meter: "api_calls".to_owned(), quantity: 1, at: now() }
    }

    fn refusal(events: &[UsageEvent]) -> Option<String> {
        let catalog = Catalog::shipped();
        check(&catalog, now(), events).err().map(|error| error.to_string())
    }

    #[test]
    fn the_bounds_themselves_are_allowed() {
        let second = Duration::from_secs(1);
        for (at, allowed) in [
            (now() + LEAD, true),
            (now() + LEAD + second, false),
            (now() - DELAY, true),
            (now() - DELAY - second, false),
        ] {
            assert_eq!(refusal(&[UsageEvent { at, ..event("a") }]).is_none(), allowed, "{at}");
        }
        for (quantity, allowed) in
            [(0, false), (1, true), (MOST_UNITS, true), (MOST_UNITS + 1, false)]
        {
            let event = UsageEvent { quantity, ..event("a") };
            assert_eq!(refusal(&[event]).is_none(), allowed, "{quantity}");
        }
        for (length, allowed) in
            [(0, false), (1, true), (LONGEST_ID, true), (LONGEST_ID + 1, false)]
        {
            assert_eq!(refusal(&[event(&"é".repeat(length))]).is_none(), allowed, "{length}");
        }
        for (size, allowed) in
            [(0, false), (1, true), (MOST_EVENTS, true), (MOST_EVENTS + 1, false)]
        {
            assert_eq!(refusal(&vec![event("a"); size]).is_none(), allowed, "{size}");
        }
    }

    #[test]
    fn a_refusal_says_which_event() {
        let wrong = UsageEvent { quantity: 0, ..event("b") };
        assert_eq!(
            refusal(&[event("a"), wrong]).expect("a refusal"),
            "#/1/quantity: 1 to 1000000000"
        );
        let foreign = UsageEvent { meter: "coffee".to_owned(), ..event("c") };
        assert_eq!(refusal(&[foreign]).expect("a refusal"), "there is no meter `coffee`");
    }

    proptest! {
        #[test]
        fn each_id_is_left_once_and_none_that_was_counted(
            ids in prop::collection::vec("[a-d]", 0..20),
            counted in prop::collection::hash_set("[a-d]", 0..4),
        ) {
            let events: Vec<_> = ids.iter().map(|id| event(id)).collect();
            let left: Vec<_> = unseen(&events, &counted).into_iter().map(|e| e.id.clone()).collect();
            let once: HashSet<_> = left.iter().cloned().collect();
            prop_assert_eq!(left.len(), once.len());
            let expected: HashSet<_> = ids.into_iter().filter(|id| !counted.contains(id)).collect();
            prop_assert_eq!(once, expected);
        }
    }
}

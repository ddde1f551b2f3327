//! When a refresh token is good for another.

use std::time::Duration;

use kernel::Timestamp;

/// What is known of a refresh token that was presented, and of its session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented {
    pub(crate) expires_at: Timestamp,
    /// When it was exchanged for its successor, if it was.
    pub(crate) rotated_at: Option<Timestamp>,
    /// What became of the successor.
    pub(crate) successor: Successor,
    pub(crate) session_expires_at: Timestamp,
    pub(crate) session_revoked_at: Option<Timestamp>,
}

/// What became of the token that another was exchanged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Successor {
    /// There is none.
    None,
    /// It was given out, and nobody has used it.
    Unused,
    /// It was used, so it had arrived.
    Used,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Exchange it.
    Rotate,
    /// The answer was lost, or two requests crossed: give the same successor once more. No second
    /// branch of the family comes to be, so that a thief and the owner still collide later.
    Repeat,
    /// Two parties hold the family: end it.
    Revoke,
    /// It is over; nothing more is to be done.
    Refuse,
}

/// Decides about a presented token.
pub(crate) fn judge(presented: &Presented, now: Timestamp, grace: Duration) -> Verdict {
    let over = presented.session_revoked_at.is_some() || presented.session_expires_at <= now;
    match presented.rotated_at {
        _ if over => Verdict::Refuse,
        Some(rotated_at) => {
            let in_time = now.since(rotated_at) <= grace;
            if in_time && presented.successor == Successor::Unused {
                Verdict::Repeat
            } else {
                Verdict::Revoke
            }
        }
        None if presented.expires_at <= now => Verdict::Refuse,
        None => Verdict::Rotate,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::OffsetDateTime;

    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    fn at(seconds: u32) -> Timestamp {
        Timestamp::new(OffsetDateTime::UNIX_EPOCH) + Duration::from_secs(seconds.into())
    }

    fn fresh() -> Presented {
        Presented {
            expires_at: at(1_000),
            rotated_at: None,
            successor: Successor::None,
            session_expires_at: at(2_000),
            session_revoked_at: None,
        }
    }

    #[track_caller]
    fn check(presented: Presented, now: u32, expected: Verdict) {
        assert_eq!(judge(&presented, at(now), GRACE), expected, "{presented:?} at {now}");
    }

    #[test]
    fn a_fresh_token_is_exchanged_until_it_expires() {
        check(fresh(), 999, Verdict::Rotate);
        check(fresh(), 1_000, Verdict::Refuse);
    }

    #[test]
    fn a_rotated_token_is_forgiven_briefly_and_then_is_theft() {
        let rotated =
            Presented { rotated_at: Some(at(100)), successor: Successor::Unused, ..fresh() };
        check(rotated, 110, Verdict::Repeat);
        check(rotated, 111, Verdict::Revoke);
        check(Presented { successor: Successor::Used, ..rotated }, 101, Verdict::Revoke);
    }

    #[test]
    fn nothing_comes_of_a_session_that_is_over() {
        check(Presented { session_revoked_at: Some(at(5)), ..fresh() }, 6, Verdict::Refuse);
        check(Presented { session_expires_at: at(50), ..fresh() }, 50, Verdict::Refuse);
    }

    fn any_presented() -> impl Strategy<Value = Presented> {
        let moment = || (0_u32..3_000).prop_map(at);
        let successor =
            prop_oneof![Just(Successor::None), Just(Successor::Unused), Just(Successor::Used)];
        (
            moment(),
            proptest::option::of(moment()),
            successor,
            moment(),
            proptest::option::of(moment()),
        )
            .prop_map(
                |(expires_at, rotated_at, successor, session_expires_at, revoked)| Presented {
                    expires_at,
                    rotated_at,
                    successor,
                    session_expires_at,
                    session_revoked_at: revoked,
                },
            )
    }

    proptest! {
        #[test]
        fn a_token_is_exchanged_at_most_once(presented in any_presented(), now in 0_u32..3_000) {
            let verdict = judge(&presented, at(now), GRACE);
            prop_assert!(presented.rotated_at.is_none() || verdict != Verdict::Rotate);
        }

        #[test]
        fn a_session_that_is_over_gives_nothing(presented in any_presented(), now in 0_u32..3_000) {
            let over = presented.session_revoked_at.is_some()
                || presented.session_expires_at <= at(now);
            let verdict = judge(&presented, at(now), GRACE);
            prop_assert!(!over || verdict == Verdict::Refuse);
        }

        #[test]
        fn what_is_used_twice_too_late_ends_the_session(
            rotated in 0_u32..1_000,
            late in 11_u32..1_000,
        ) {
            let presented = Presented {
                rotated_at: Some(at(rotated)),
                successor: Successor::Unused,
                session_expires_at: at(5_000),
                ..fresh()
            };
            prop_assert_eq!(judge(&presented, at(rotated + late), GRACE), Verdict::Revoke);
        }
    }
}

//! The life of an invitation.

use kernel::{Role, Timestamp};

/// Where an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Its seat is being reserved; nobody has been told of it.
    Reserving,
    /// It was sent and can be accepted.
    Pending,
    Accepted,
    Revoked,
    Expired,
}

/// What can happen to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Billing has reserved the seat.
    SeatReserved,
    Accept,
    Revoke,
    Expire,
}

impl Status {
    /// Where `step` leads; `None` where it cannot be taken.
    pub(crate) const fn after(self, step: Step) -> Option<Self> {
        match (self, step) {
            (Self::Reserving, Step::SeatReserved) => Some(Self::Pending),
            (Self::Pending, Step::Accept) => Some(Self::Accepted),
            (Self::Pending, Step::Revoke) => Some(Self::Revoked),
            (Self::Pending, Step::Expire) => Some(Self::Expired),
            _ => None,
        }
    }

    /// Whether the address is taken by it.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Reserving | Self::Pending)
    }

    /// Whether a seat belongs to it.
    pub(crate) const fn holds_seat(self) -> bool {
        matches!(self, Self::Reserving | Self::Pending | Self::Accepted)
    }

    /// How it looks at `now`: the event that expires it may come a little late.
    pub(crate) fn seen_at(self, now: Timestamp, expires_at: Timestamp) -> Self {
        if self == Self::Pending && expires_at <= now { Self::Expired } else { self }
    }
}

/// The inviter offers more than they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody gives a role that is above their own")]
pub(crate) struct RoleNotGrantable;

/// Lets `inviter` offer `role`: admins and owners invite, and nobody gives more than they hold, so
/// that only an owner makes an owner.
pub(crate) fn check_grant(inviter: Role, role: Role) -> Result<(), RoleNotGrantable> {
    if inviter >= Role::Admin && role <= inviter { Ok(()) } else { Err(RoleNotGrantable) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEPS: [Step; 4] = [Step::SeatReserved, Step::Accept, Step::Revoke, Step::Expire];

    #[test]
    fn who_may_offer_what() {
        use Role::{Admin, Member, Owner};
        for (inviter, role, allowed) in [
            (Member, Member, false),
            (Admin, Member, true),
            (Admin, Admin, true),
            (Admin, Owner, false),
            (Owner, Member, true),
            (Owner, Admin, true),
            (Owner, Owner, true),
        ] {
            assert_eq!(check_grant(inviter, role).is_ok(), allowed, "{inviter:?} {role:?}");
        }
    }

    proptest! {
        #[test]
        fn every_life_ends_once_and_the_seat_with_it(
            steps in proptest::collection::vec(proptest::sample::select(&STEPS[..]), 0..12),
        ) {
            let mut status = Status::Reserving;
            let mut ends = 0;
            for step in steps {
                if let Some(next) = status.after(step) {
                    prop_assert!(status.is_open(), "{:?} was over", status);
                    prop_assert!(next != Status::Reserving);
                    ends += u32::from(!next.is_open());
                    status = next;
                }
            }
            prop_assert!(ends <= 1);
            prop_assert_eq!(ends == 1, !status.is_open());
            prop_assert_eq!(
                status.holds_seat(),
                !matches!(status, Status::Revoked | Status::Expired)
            );
        }
    }
}

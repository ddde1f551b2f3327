//! Asking others in, each on a seat of the tenant's subscription.
//!
//! A seat is billing's and an invitation is ours, and no transaction spans the two. So the
//! invitation is committed as `reserving` together with a scheduled check, the seat is reserved
//! under the invitation's own key, and the invitation is committed as `pending`; what was cut off
//! in between the check finds, takes the invitation back and releases the seat.
//!
//! *Invariants*: an invitation that can be accepted has a seat; an invitation that is over has
//! none, or an event on its way that releases it; an address has at most one open invitation of a
//! tenant.

mod accept;
mod domain;
pub(crate) mod http;
mod invite;
mod jobs;
mod key;
mod manage;
mod replay;
mod store;

pub(crate) use accept::AcceptError;
pub(crate) use domain::RoleNotGrantable;
pub(crate) use invite::InviteError;
pub(crate) use jobs::{ExpireInvitation, GiveUpReservation, ReleaseSeat};
pub use jobs::{InvitationExpired, ReservationOverdue, SeatReleaseDue};
pub(crate) use key::ROUTE as INVITATIONS_ROUTE;
pub(crate) use manage::RevokeError;

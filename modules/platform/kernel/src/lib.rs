//! The vocabulary that every crate of Ashlar shares. No I/O, no policy.
//!
//! *Invariant*: this crate depends on no other crate of the workspace.

mod causes;
mod clock;
mod context;
mod digest;
mod event;
mod ids;
mod locale;
mod money;
mod page;
mod principal;
mod program;
mod secret;
mod trace;

pub use causes::{each_said_once, said_once, with_causes};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use context::{CallContext, CallId, CallKey};
pub use digest::sha256_hex;
pub use event::{Aggregate, Envelope, Event, EventDecodeError};
pub use ids::{
    EventId, Ids, InvitationId, InvoiceId, NotificationId, RandomIds, SequentialIds,
    SubscriptionId, TenantId, UserId,
};
pub use locale::Locale;
pub use money::{Currency, Money, MoneyError};
pub use page::{Cursor, CursorError, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page, PageRequest};
pub use principal::{Principal, Role, UnknownRole};
pub use program::{CallingProgram, SpeaksFor};
pub use secret::Secret;
pub use trace::TraceContext;

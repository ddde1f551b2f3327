//! The work of the engine that belongs to no tenant or to all, in one place.

use storage::SystemScope;

/// Hands the outbox over, whosever the events are.
pub(crate) static RELAY: SystemScope =
    SystemScope { name: "events.relay", why: "relays the events of all tenants" };

/// Keeps the inbox: an envelope may belong to no tenant.
pub(crate) static INBOX: SystemScope =
    SystemScope { name: "events.inbox", why: "receives and retries the events of all tenants" };

/// Promotes what is due.
pub(crate) static SCHEDULER: SystemScope =
    SystemScope { name: "events.scheduler", why: "promotes the due work of all tenants" };

/// Deletes what has had its time.
pub(crate) static SWEEPER: SystemScope = SystemScope {
    name: "events.sweeper",
    why: "deletes sent events, handled deliveries, call records and keys after their time",
};

/// Shows and replays what was parked.
pub(crate) static OPERATOR: SystemScope =
    SystemScope { name: "events.operator", why: "an operator looks after what was parked" };

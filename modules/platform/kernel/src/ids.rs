//! Identifiers: a type for each thing, so that no id is taken for another.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Declares a newtype over [`Uuid`].
macro_rules! id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

id!(
    /// A customer organisation; the unit of isolation and of billing.
    TenantId,
    /// A person, who may belong to several tenants.
    UserId,
    /// An offer of membership.
    InvitationId,
    /// A tenant's subscription to a price.
    SubscriptionId,
    /// An invoice.
    InvoiceId,
    /// An entry of the in-app inbox.
    NotificationId,
    /// A published fact; consumers recognise a repeated delivery by it.
    EventId,
);

/// Where new identifiers come from.
pub trait Ids: Send + Sync + 'static {
    /// A new identifier, unique for ever and roughly ascending in time.
    fn next(&self) -> Uuid;
}

/// UUIDs of version 7 (RFC 9562): random, and ordered by the millisecond.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// `…0001`, `…0002` and so on: for tests that compare whole outputs.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl Ids for SequentialIds {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
    }
}

//! The contract of the {{words}} module: what other modules ask of it, and the facts it publishes.

mod events;
mod id;

use kernel::{CallContext, Timestamp};
use seam::{CallFailure, ModuleDescriptor, PortError, port};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use events::{{Item}}Created;
pub use id::{{Item}}Id;

/// The module, as programs and callers know it without linking it.
pub const MODULE: ModuleDescriptor = ModuleDescriptor {
    name: "{{name}}",
    public_prefixes: &["/v1/{{crate}}"],
    consumes: &[],
};

/// What other modules ask of {{words}}.
#[port(service = "{{name}}", version = 1, mock)]
pub trait {{Module}}Api {
    /// A {{item words}} of the calling tenant.
    #[call(read)]
    async fn {{item}}(
        &self,
        ctx: &CallContext,
        query: {{Item}}Query,
    ) -> Result<{{Item}}, {{Module}}Error>;

    /// Creates a {{item words}} in the calling tenant.
    #[call(write)]
    async fn create_{{item}}(
        &self,
        ctx: &CallContext,
        new: New{{Item}},
    ) -> Result<{{Item}}, {{Module}}Error>;
}

/// Which {{item words}}.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct {{Item}}Query {
    /// Its id.
    pub {{item}}: {{Item}}Id,
}

/// A {{item words}} that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct New{{Item}} {
    /// One line of 1 to 100 characters; spaces around it do not count.
    pub name: String,
}

/// A {{item words}}.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct {{Item}} {
    /// Names it.
    pub id: {{Item}}Id,
    /// What people call it.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What the {{words}} module refuses.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error, PortError,
)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum {{Module}}Error {
    /// The caller may not do this, or acts for no tenant.
    #[error("the caller may not do this")]
    Forbidden,
    /// The calling tenant has no such {{item words}}.
    #[error("there is no such {{item words}}")]
    NotFound,
    /// A value is out of its bounds.
    #[error("{detail}")]
    Invalid {
        /// Which, and what its bounds are.
        detail: String,
    },
    /// No answer from the domain.
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

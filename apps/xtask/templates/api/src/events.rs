//! The facts that the {{words}} module publishes.

use kernel::{Aggregate, Event};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{{Item}}Id;

/// A {{item words}} was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct {{Item}}Created {
    /// The {{item words}}.
    pub {{item}}: {{Item}}Id,
    /// What people call it.
    pub name: String,
}

impl Event for {{Item}}Created {
    const TYPE: &'static str = "{{name}}.{{item}}_created";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("{{item}}", self.{{item}}.0, 1)
    }
}

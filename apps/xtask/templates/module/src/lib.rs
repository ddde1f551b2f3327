//! The {{words}} module.
//!
//! *Invariants*: a {{item words}} is seen by its own tenant alone; what is created and the event
//! that tells of it are one commit; a request under an idempotency key creates once.

mod api;
mod http;
mod {{name}};

use std::sync::Arc;

use module::Module;
use {{name}}_api::{MODULE, {{Module}}Api};
use storage::Store;

use crate::{{name}}::{{Module}};

/// What the module is built from.
pub struct Dependencies {
    /// Its data, opened with its own migrations.
    pub store: Store,
}

/// Builds the module.
pub fn module(dependencies: Dependencies) -> Module {
    let Dependencies { store } = dependencies;
    let {{name}} = Arc::new({{Module}}::new(store.clone()));
    let api: Arc<dyn {{Module}}Api> = Arc::clone(&{{name}}) as _;
    Module::new(MODULE, store).serving::<dyn {{Module}}Api>(api).routes(http::routes({{name}}))
}

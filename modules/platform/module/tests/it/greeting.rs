//! A port, and its one implementation.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use kernel::CallContext;
use seam::{CallFailure, PortError, port};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Greets.
#[port(service = "greeting", version = 1)]
pub(crate) trait GreetingApi {
    /// Greets whoever it is told to.
    #[call(read)]
    async fn greet(&self, ctx: &CallContext, whom: String) -> Result<String, GreetingError>;
}

/// Why nobody is greeted.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, PortError, ToSchema,
)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum GreetingError {
    /// No answer.
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

/// Greets politely, and counts.
#[derive(Default)]
pub(crate) struct Polite(pub(crate) AtomicU32);

#[async_trait]
impl GreetingApi for Polite {
    async fn greet(&self, _ctx: &CallContext, whom: String) -> Result<String, GreetingError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(format!("Good day, {whom}."))
    }
}

pub(crate) async fn greeted(api: &Arc<dyn GreetingApi>) -> Result<String, GreetingError> {
    api.greet(&testing::anonymous_context(), "Ada".to_owned()).await
}

use std::time::Duration;

use kernel::CallContext;
use {{name}}_api::{ {{Item}}, {{Item}}Created };
use sea_orm::ActiveValue::Set;
use serde_json::Value;
use storage::{Claim, StoreError, TenantTx};

use super::{ {{Item}}Name, {{Module}}, entity };

const ROUTE: &str = "POST /v1/{{crate}}";
const CREATED: u16 = 201;
/// The key is claimed and completed in one transaction: nobody ever waits for the lease to end.
const LEASE: Duration = Duration::from_secs(10);

/// How a client names its request, and what was in it.
pub(crate) struct RequestKey {
    pub key: String,
    pub body_hash: String,
}

/// What a request is answered with.
pub(crate) enum Answer {
    Created({{Item}}),
    /// As it was answered the first time.
    Replayed {
        status: u16,
        body: Value,
    },
}

/// Why nothing was created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    #[error("the idempotency key was used with another body")]
    KeyReused,
    #[error("another request under this key is at work")]
    InFlight { retry_after: Duration },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl {{Module}} {
    /// Creates a {{item words}} for a client, once per key.
    pub(crate) async fn create(
        &self,
        ctx: &CallContext,
        name: &{{Item}}Name,
        request: &RequestKey,
    ) -> Result<Answer, CreateError> {
        let tx = self.store.write(ctx).await?;
        match tx.claim_key(ROUTE, &request.key, &request.body_hash, LEASE).await? {
            Claim::New | Claim::Resume => {}
            Claim::Replay { status, body } => return Ok(Answer::Replayed { status, body }),
            Claim::InFlight { retry_after } => return Err(CreateError::InFlight { retry_after }),
            Claim::Mismatch => return Err(CreateError::KeyReused),
        }
        let {{item}} = create(&tx, name).await?;
        tx.complete_key(ROUTE, &request.key, CREATED, &serde_json::json!({{item}})).await?;
        tx.commit().await?;
        Ok(Answer::Created({{item}}))
    }
}

/// Creates a {{item words}} and tells of it, in the caller's transaction.
pub(crate) async fn create(
    tx: &TenantTx,
    name: &{{Item}}Name,
) -> Result<{{Item}}, StoreError> {
    let now = tx.store().clock().now().into();
    let row = tx
        .insert(entity::ActiveModel {
            tenant_id: Set(tx.tenant().0),
            id: Set(tx.store().ids().next()),
            name: Set(name.as_str().to_owned()),
            created_at: Set(now),
            updated_at: Set(now),
        })
        .await?;
    let {{item}} = {{Item}}::from(row);
    let event = {{Item}}Created { {{item}}: {{item}}.id, name: {{item}}.name.clone() };
    tx.publish(&event).await?;
    Ok({{item}})
}

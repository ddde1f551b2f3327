//! What other modules are served.

use async_trait::async_trait;
use kernel::CallContext;
use {{name}}_api::{New{{Item}}, {{Item}}, {{Item}}Query, {{Module}}Api, {{Module}}Error};
use seam::CallFailure;
use storage::{Once, StoreError, TenantTx};

use crate::{{name}}::{ {{Item}}Name, {{Module}}, create };

#[async_trait]
impl {{Module}}Api for {{Module}} {
    async fn {{item}}(
        &self,
        ctx: &CallContext,
        query: {{Item}}Query,
    ) -> Result<{{Item}}, {{Module}}Error> {
        needs_a_tenant(ctx)?;
        let found = self.find(ctx, query.{{item}}).await.map_err(store_failed)?;
        found.ok_or({{Module}}Error::NotFound)
    }

    async fn create_{{item}}(
        &self,
        ctx: &CallContext,
        new: New{{Item}},
    ) -> Result<{{Item}}, {{Module}}Error> {
        needs_a_tenant(ctx)?;
        let tx = match self.store().once(ctx, "create_{{item}}", &new).await? {
            Once::First(tx) => tx,
            Once::Recorded(outcome) => return outcome,
        };
        let outcome = create_named(&tx, &new.name).await;
        tx.finish(outcome).await
    }
}

async fn create_named(tx: &TenantTx, name: &str) -> Result<{{Item}}, {{Module}}Error> {
    let name = {{Item}}Name::parse(name)
        .map_err(|rule| {{Module}}Error::Invalid { detail: format!("`name` {rule}") })?;
    create(tx, &name).await.map_err(store_failed)
}

fn needs_a_tenant(ctx: &CallContext) -> Result<(), {{Module}}Error> {
    if ctx.tenant().is_none() {
        return Err({{Module}}Error::Forbidden);
    }
    Ok(())
}

/// A store's failure, as a caller of the contract sees it.
fn store_failed(error: StoreError) -> {{Module}}Error {
    CallFailure::from(error).into()
}

//! {{Words}}: creating them, listing them, finding one.

mod create;
mod entity;
mod name;

use kernel::{CallContext, Page, PageRequest};
use {{name}}_api::{ {{Item}}, {{Item}}Id };
use sea_orm::ColumnTrait;
use storage::{Store, StoreError};

pub(crate) use create::{Answer, CreateError, RequestKey, create};
pub(crate) use name::{{Item}}Name;

/// The {{words}} of every tenant.
pub(crate) struct {{Module}} {
    store: Store,
}

impl {{Module}} {
    pub(crate) const fn new(store: Store) -> Self {
        Self { store }
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// The {{item words}} `id` of the calling tenant.
    pub(crate) async fn find(
        &self,
        ctx: &CallContext,
        id: {{Item}}Id,
    ) -> Result<Option<{{Item}}>, StoreError> {
        let data = self.store.read(ctx)?;
        let row = data.find::<entity::Entity>().filter(entity::Column::Id.eq(id.0)).one().await?;
        Ok(row.map({{Item}}::from))
    }

    /// The calling tenant's {{words}}, newest first.
    pub(crate) async fn list(
        &self,
        ctx: &CallContext,
        request: &PageRequest,
    ) -> Result<Page<{{Item}}>, StoreError> {
        let data = self.store.read(ctx)?;
        let page = data
            .find::<entity::Entity>()
            .page(request, entity::Column::CreatedAt, entity::Column::Id)
            .await?;
        Ok(page.map({{Item}}::from))
    }
}

impl From<entity::Model> for {{Item}} {
    fn from(row: entity::Model) -> Self {
        Self { id: row.id.into(), name: row.name, created_at: row.created_at.into() }
    }
}

//! Who the caller is.

use std::collections::HashMap;

use kernel::{Role, TenantId, UserId};
use sea_orm::{ColumnTrait, prelude::Uuid};
use storage::StoreError;

use crate::{
    people::{memberships, tenants, users},
    scopes,
    service::AuthService,
};

/// A person, the tenant they act in, and where else they belong.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) user: users::Model,
    /// The tenant of the call.
    pub(crate) current: Place,
    /// All of their tenants, that one included, in the order in which they joined.
    pub(crate) all: Vec<Place>,
}

/// A tenant and what somebody may do in it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) role: Role,
}

impl AuthService {
    /// The profile of `user` in `tenant`; `None` where they do not belong there (any more).
    pub(crate) async fn profile(
        &self,
        user: UserId,
        tenant: TenantId,
    ) -> Result<Option<Profile>, StoreError> {
        // What a person sees of themselves spans their tenants, so this is no tenant's read.
        let reader = self.store.system(&scopes::PEOPLE);
        let found = reader.find::<users::Entity>().filter(users::Column::Id.eq(user.0)).one();
        let Some(user) = found.await? else { return Ok(None) };
        let memberships = reader
            .find::<memberships::Entity>()
            .filter(memberships::Column::UserId.eq(user.id))
            .order_by_asc(memberships::Column::CreatedAt)
            .order_by_asc(memberships::Column::TenantId)
            .all()
            .await?;
        let rows = reader
            .find::<tenants::Entity>()
            .filter(tenants::Column::Id.is_in(memberships.iter().map(|row| row.tenant_id)))
            .all()
            .await?;
        let mut names: HashMap<Uuid, String> =
            rows.into_iter().map(|row| (row.id, row.name)).collect();
        let all: Vec<Place> = memberships
            .into_iter()
            .filter_map(|row| {
                let name = names.remove(&row.tenant_id)?;
                Some(Place { tenant: TenantId(row.tenant_id), name, role: row.role.into() })
            })
            .collect();
        let current = all.iter().find(|place| place.tenant == tenant).cloned();
        Ok(current.map(|current| Profile { user, current, all }))
    }
}

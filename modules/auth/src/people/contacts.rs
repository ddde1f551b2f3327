//! Whom other modules may write to.

use std::collections::HashMap;

use auth_api::{AuthError, Contact, ContactQuery};
use kernel::{CallContext, Principal, UserId};
use sea_orm::{ColumnTrait, prelude::Uuid};
use seam::CallFailure;

use super::{StoredRole, memberships, users};
use crate::{scopes, service::AuthService};

/// The most contacts that one call returns.
const MOST_CONTACTS: u64 = 100;

impl AuthService {
    /// See [`auth_api::AuthApi::contacts`]. Members whose address is not verified are left out.
    pub(crate) async fn contacts_of_tenant(
        &self,
        ctx: &CallContext,
        query: &ContactQuery,
    ) -> Result<Vec<Contact>, AuthError> {
        let Principal::Service { tenant: Some(tenant), .. } = *ctx.principal() else {
            return Err(AuthError::Forbidden);
        };
        let members = self
            .store
            .read(ctx)
            .map_err(CallFailure::from)?
            .find::<memberships::Entity>()
            .filter(memberships::Column::Role.is_in(StoredRole::at_least(query.at_least)))
            .order_by_asc(memberships::Column::CreatedAt)
            .order_by_asc(memberships::Column::UserId)
            .limit(MOST_CONTACTS)
            .all()
            .await
            .map_err(CallFailure::from)?;
        let people = self
            .store
            .system(&scopes::PEOPLE)
            .find::<users::Entity>()
            .filter(users::Column::Id.is_in(members.iter().map(|member| member.user_id)))
            .filter(users::Column::EmailVerifiedAt.is_not_null())
            .all()
            .await
            .map_err(CallFailure::from)?;
        let mut people: HashMap<Uuid, users::Model> =
            people.into_iter().map(|person| (person.id, person)).collect();
        let contacts = members.into_iter().filter_map(|member| {
            let person = people.remove(&member.user_id)?;
            Some(Contact {
                user: UserId(member.user_id),
                tenant,
                role: member.role.into(),
                name: person.name,
                email: person.email,
            })
        });
        Ok(contacts.collect())
    }
}

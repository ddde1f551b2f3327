//! People, tenants, and who belongs where.

mod contacts;
mod domain;
mod store;

pub(crate) use domain::{EmailAddress, OrganizationName, Password, PersonName};
pub(crate) use store::{
    StoredRole, first_membership, hold_user, membership_of, memberships, tenants, user_by_email,
    users,
};

//! Whose rows a table holds.

use sea_orm::EntityTrait;

/// An entity that says whose its rows are. Implemented by [`tenant_entity!`](crate::tenant_entity)
/// and [`global_entity!`](crate::global_entity), of which an entity takes exactly one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whose its rows are",
    label = "not declared",
    note = "declare it beside its model: `storage::tenant_entity!(Entity, Column::TenantId);` for \
            rows of tenants, `storage::global_entity!(Entity);` for rows of none"
)]
pub trait DeclaredEntity: EntityTrait {}

/// An entity whose every row belongs to a tenant.
///
/// ```
/// # mod plain {
/// # use sea_orm::entity::prelude::*;
/// # #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// # #[sea_orm(table_name = "notes")]
/// # pub struct Model {
/// #     #[sea_orm(primary_key, auto_increment = false)]
/// #     pub id: Uuid,
/// #     pub tenant_id: Uuid,
/// # }
/// # #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// # pub enum Relation {}
/// # impl ActiveModelBehavior for ActiveModel {}
/// storage::tenant_entity!(Entity, Column::TenantId);
/// # }
/// # use plain::Entity;
/// fn notes(reader: &storage::TenantReader<'_>) {
///     let _all = reader.find::<Entity>().all();
/// }
/// ```
///
/// Without the declaration, and with nothing else changed, it does not compile:
///
/// ```compile_fail
/// # mod plain {
/// # use sea_orm::entity::prelude::*;
/// # #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// # #[sea_orm(table_name = "notes")]
/// # pub struct Model {
/// #     #[sea_orm(primary_key, auto_increment = false)]
/// #     pub id: Uuid,
/// #     pub tenant_id: Uuid,
/// # }
/// # #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// # pub enum Relation {}
/// # impl ActiveModelBehavior for ActiveModel {}
/// # }
/// # use plain::Entity;
/// fn notes(reader: &storage::TenantReader<'_>) {
///     let _all = reader.find::<Entity>().all();
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not declared as an entity of tenants",
    label = "cannot be used in a tenant scope",
    note = "declare it beside its model: `storage::tenant_entity!(Entity, Column::TenantId);`; \
            what belongs to no tenant is reached through a `SystemScope`"
)]
pub trait TenantEntity: DeclaredEntity {
    /// The column that names the tenant: a UUID, never null.
    fn tenant_column() -> Self::Column;
}

/// An entity whose rows belong to no tenant, or to one only by chance (a nullable column). Only a
/// [`SystemScope`](crate::SystemScope) reaches it.
pub trait GlobalEntity: DeclaredEntity {}

/// Declares an entity whose every row belongs to the tenant in the given column.
#[macro_export]
macro_rules! tenant_entity {
    ($entity:ty, $column:expr $(,)?) => {
        impl $crate::DeclaredEntity for $entity {}

        impl $crate::TenantEntity for $entity {
            fn tenant_column() -> Self::Column {
                $column
            }
        }
    };
}

/// Declares an entity whose rows belong to no tenant.
#[macro_export]
macro_rules! global_entity {
    ($entity:ty $(,)?) => {
        impl $crate::DeclaredEntity for $entity {}

        impl $crate::GlobalEntity for $entity {}
    };
}

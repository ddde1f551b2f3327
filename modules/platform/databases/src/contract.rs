//! What is asked of every module's schema on PostgreSQL; each migrations crate says whose its tables
//! are, and runs these over them.

use sea_orm::ConnectionTrait;
use sea_orm_migration::MigratorTrait;
use storage::{Passwords, PostgresSchema};

use crate::{
    PostgresDatabase,
    catalogue::{self, Rows},
    isolation, required_superuser,
};

/// The platform's own tables, which each schema has.
const OF_THE_PLATFORM: [&str; 6] =
    ["call_records", "idempotency_keys", "inbox", "lanes", "outbox", "scheduled"];

/// A module's schema as it is meant to be.
#[derive(Clone, Copy, Debug)]
pub struct SchemaContract {
    /// The module, such as `billing`.
    pub module: &'static str,
    /// Its tables of tenants, with the column that names the tenant.
    pub of_tenants: &'static [(&'static str, &'static str)],
    /// Its tables that no tenant's call reaches.
    pub global: &'static [&'static str],
}

impl SchemaContract {
    /// The catalogue has no fault, and each table is whose it should be.
    ///
    /// # Panics
    /// Otherwise, or where no PostgreSQL is named.
    pub async fn check_catalogue<M: MigratorTrait>(&self) {
        let database = self.database::<M>().await;
        let superuser = database.superuser().await.expect("a superuser");
        let faults = catalogue::faults(&superuser, self.module).await.expect("the catalogue");
        assert_eq!(faults, Vec::<String>::new());
        let mut tables = catalogue::tables(&superuser, self.module).await.expect("the catalogue");
        for (name, column) in self.of_tenants {
            let expected = Rows::Tenants { column: (*column).to_owned() };
            assert_eq!(tables.remove(*name), Some(expected), "{name}");
        }
        for name in self.global {
            assert_eq!(tables.remove(*name), Some(Rows::Global), "{name}");
        }
        let others: Vec<_> = tables.into_keys().collect();
        assert_eq!(others, OF_THE_PLATFORM, "and there are no others");
    }

    /// No table shows or changes a foreign tenant's row.
    ///
    /// # Panics
    /// Otherwise, or where no PostgreSQL is named.
    pub async fn check_isolation<M: MigratorTrait>(&self) {
        let database = self.database::<M>().await;
        let superuser = database.superuser().await.expect("a superuser");
        let tables = catalogue::tables(&superuser, self.module).await.expect("the catalogue");
        let matrix = isolation::matrix(&database, self.module, &tables).await.expect("the matrix");
        assert_eq!(matrix.breaches, Vec::<String>::new());
        assert!(matrix.cases > 100 * self.of_tenants.len(), "{}", matrix.cases);
    }

    /// Both of the above would notice a policy that is not there.
    ///
    /// # Panics
    /// Otherwise, or where no PostgreSQL is named.
    pub async fn check_dropped_policy<M: MigratorTrait>(&self, table: &str) {
        let database = self.database::<M>().await;
        let superuser = database.superuser().await.expect("a superuser");
        let mut tables = catalogue::tables(&superuser, self.module).await.expect("the catalogue");
        tables.retain(|name, _| name == table);
        let sabotage = format!("DROP POLICY tenant_rows ON {}.{table}", self.module);
        superuser.execute_unprepared(&sabotage).await.expect("done");
        let faults = catalogue::faults(&superuser, self.module).await.expect("the catalogue");
        assert!(faults.iter().any(|fault| fault.contains(table)), "{faults:?}");
        let matrix = isolation::matrix(&database, self.module, &tables).await.expect("the matrix");
        assert!(matrix.breaches.len() > 5, "{:?}", matrix.breaches);
    }

    /// However many migrations are taken back, applying them again gives the same schema.
    ///
    /// # Panics
    /// Otherwise, or where no PostgreSQL is named.
    pub async fn check_down_and_up<M: MigratorTrait>(&self) {
        let database = self.database::<M>().await;
        let superuser = database.superuser().await.expect("a superuser");
        let first = catalogue::dump(&superuser, self.module).await.expect("the catalogue");
        let url = database.superuser_url();
        let schema = PostgresSchema::connect(&url, self.module, Passwords::default()).await;
        let schema = schema.expect("a schema");
        let all = u32::try_from(M::migrations().len()).expect("a few");
        for steps in (1..=all).rev() {
            let down = schema.down::<M>(steps).await.expect("down");
            assert_eq!(down.migrations.len(), steps as usize);
            schema.up::<M>().await.expect("up again");
            let again = catalogue::dump(&superuser, self.module).await.expect("the catalogue");
            assert_eq!(again, first, "after {steps} steps");
        }
        schema.down::<M>(all).await.expect("down");
        let tables = catalogue::tables(&superuser, self.module).await.expect("the catalogue");
        assert!(tables.is_empty(), "{tables:?}");
    }

    async fn database<M: MigratorTrait>(&self) -> PostgresDatabase {
        let superuser = required_superuser();
        PostgresDatabase::new::<M>(&superuser, self.module).await.expect("a database")
    }
}

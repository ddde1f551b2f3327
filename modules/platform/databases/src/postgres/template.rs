//! The databases that those of tests are cloned from.

use std::{
    any::type_name,
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    time::SystemTime,
};

use kernel::Secret;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;
use storage::{Passwords, PostgresSchema};

use super::{in_database, password, run};
use crate::DatabaseError;

/// What the name of one ends with that is not whole yet.
const UNFINISHED: &str = "_draft";

/// The name of a database with a schema, `template_<module>_<tests>_<build>`: one for each build of
/// the tests that use it, of which the latest stays.
///
/// *Invariant*: whoever looks whether a template is there, and then clones it, shares a lock of its
/// name meanwhile; nobody drops one without having that lock alone.
pub(super) struct Template {
    /// Up to the build.
    series: String,
    name: String,
}

impl Template {
    /// That of this process, which holds tests.
    pub(super) fn of<M: MigratorTrait>(module: &str) -> Self {
        let binary = env::current_exe().unwrap_or_default();
        let built = fs::metadata(&binary).and_then(|file| file.modified());
        // Test binaries of many packages have one name, and so have their types. Cargo tells the
        // package while it runs them.
        let package = env::var_os("CARGO_MANIFEST_DIR");
        let tests = hash_of(&(type_name::<M>(), package, binary.parent()));
        let build = hash_of(&(&binary, built.unwrap_or(SystemTime::UNIX_EPOCH)));
        // Half of the one: what PostgreSQL calls a database has 63 characters at most.
        let series = format!("template_{module}_{:08x}_", tests >> 32);
        Self { name: format!("{series}{build:016x}"), series }
    }

    /// Makes the database `clone` from it, and it first where it is not there.
    pub(super) async fn clone_as<M: MigratorTrait>(
        &self,
        clone: &str,
        server: &DatabaseConnection,
        superuser: &Secret,
        module: &'static str,
    ) -> Result<(), DatabaseError> {
        let Self { name, .. } = self;
        let in_use = format!("hashtextextended('use {name}', 0)");
        run(server, &format!("SELECT pg_advisory_lock_shared({in_use})")).await?;
        // Tests run in processes of their own: one makes it, the others wait.
        run(server, &format!("SELECT pg_advisory_lock(hashtextextended('{name}', 0))")).await?;
        let made = self.make::<M>(server, superuser, module).await;
        run(server, &format!("SELECT pg_advisory_unlock(hashtextextended('{name}', 0))")).await?;
        made?;
        run(server, &format!("CREATE DATABASE \"{clone}\" TEMPLATE \"{name}\"")).await?;
        run(server, &format!("SELECT pg_advisory_unlock_shared({in_use})")).await
    }

    async fn make<M: MigratorTrait>(
        &self,
        server: &DatabaseConnection,
        superuser: &Secret,
        module: &'static str,
    ) -> Result<(), DatabaseError> {
        let Self { name, .. } = self;
        let known = names(server, &format!("datname = '{name}'")).await?;
        if !known.is_empty() {
            return Ok(());
        }
        self.drop_earlier(server).await?;
        // It gets its name last, so that one half made is never taken for whole.
        let unfinished = format!("{name}{UNFINISHED}");
        run(server, &format!("DROP DATABASE IF EXISTS \"{unfinished}\" WITH (FORCE)")).await?;
        run(server, &format!("CREATE DATABASE \"{unfinished}\"")).await?;
        let url = in_database(superuser, &unfinished);
        let password = password(superuser);
        let passwords = Passwords { app: password.clone(), system: password };
        let schema = PostgresSchema::connect(&url, module, passwords).await;
        let schema = schema.map_err(DatabaseError::Schema)?;
        schema.up::<M>().await.map_err(DatabaseError::Schema)?;
        schema.close().await;
        run(server, &format!("ALTER DATABASE \"{unfinished}\" RENAME TO \"{name}\"")).await
    }

    /// Drops what other builds of these tests have left. What one uses that runs just now stays,
    /// and is dropped by a later build.
    async fn drop_earlier(&self, server: &DatabaseConnection) -> Result<(), DatabaseError> {
        let Self { series, name } = self;
        let earlier = format!(
            "starts_with(datname, '{series}') AND datname NOT IN ('{name}', '{name}{UNFINISHED}')"
        );
        for earlier in names(server, &earlier).await? {
            let name = earlier.strip_suffix(UNFINISHED).unwrap_or(&earlier);
            let in_use = format!("hashtextextended('use {name}', 0)");
            let free = format!("SELECT '' AS name WHERE pg_try_advisory_lock({in_use})");
            if rows(server, &free).await?.is_empty() {
                continue;
            }
            // Refused where somebody looks into it.
            let _ = run(server, &format!("DROP DATABASE IF EXISTS \"{earlier}\"")).await;
            run(server, &format!("SELECT pg_advisory_unlock({in_use})")).await?;
        }
        Ok(())
    }
}

/// The databases of which `condition` holds.
async fn names(server: &DatabaseConnection, condition: &str) -> Result<Vec<String>, DatabaseError> {
    rows(server, &format!("SELECT datname AS name FROM pg_database WHERE {condition}")).await
}

async fn rows(server: &DatabaseConnection, select: &str) -> Result<Vec<String>, DatabaseError> {
    let statement = Statement::from_string(DbBackend::Postgres, select);
    let rows = server.query_all_raw(statement).await.map_err(DatabaseError::Server)?;
    rows.iter().map(|row| row.try_get("", "name").map_err(DatabaseError::Server)).collect()
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

//! `migrate`: brings the modules' schemas up to date, back, or says how they stand.

use std::io::Write;

use anyhow::{Context as _, bail};
use kernel::Secret;
use storage::{Passwords, PostgresSchema, SchemaStatus, SqliteSchema, StoreError};

use crate::{
    Mount, Program,
    config::{Config, Mistakes, StoreEngine},
    migrations::{Migrations, Schema},
    stores,
};

/// What `migrate` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The only module to do it to; all modules of the program where it is left out.
    pub module: Option<String>,
    /// What to do.
    pub order: Order,
}

/// What to do to a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Apply what is missing.
    Up,
    /// Take the last migrations back.
    Down {
        /// How many.
        steps: u32,
    },
    /// Say how it stands.
    Status,
}

/// How the schemas stand now, as far as somebody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As they should, or as was ordered.
    Good,
    /// [`Order::Status`] found a schema that is behind the program, or ahead of it.
    NotUpToDate,
}

/// A module whose schema is to be worked on, with all that is needed for it.
struct Work<'a> {
    module: &'static str,
    migrations: Migrations,
    config: &'a Config,
    /// Who may change it; nobody needs to on the embedded engine.
    admin: Option<Secret>,
}

impl Program {
    /// Carries `migration` out, and tells `output` what was done.
    ///
    /// # Errors
    /// A module that is not this program's, or a schema that cannot be worked on; what was done to
    /// others before stays.
    pub async fn migrate(
        &self,
        migration: &Migration,
        output: &mut dyn Write,
    ) -> anyhow::Result<Verdict> {
        let mounts = self.chosen(migration)?;
        let mut mistakes = Mistakes::default();
        let config = self.config();
        let mut works = Vec::new();
        for mount in mounts {
            let module = mount.descriptor().name;
            let admin = match config.store.engine() {
                StoreEngine::Sqlite => None,
                StoreEngine::Postgres => config.admin_url_of(module, &mut mistakes),
            };
            works.push(Work { module, migrations: mount.migrations(), config, admin });
        }
        mistakes.into_result()?;
        let mut verdict = Verdict::Good;
        for work in &works {
            if work.carry_out(migration.order, output).await? == Verdict::NotUpToDate {
                verdict = Verdict::NotUpToDate;
            }
        }
        Ok(verdict)
    }

    fn chosen(&self, migration: &Migration) -> anyhow::Result<Vec<&dyn Mount>> {
        let here: Vec<&dyn Mount> = self.mounts().collect();
        let names = || {
            let names: Vec<_> = here.iter().map(|mount| mount.descriptor().name).collect();
            names.join(", ")
        };
        let Some(wanted) = &migration.module else {
            if matches!(migration.order, Order::Down { .. }) && here.len() > 1 {
                bail!("say whose migrations are to be taken back: --module, one of {}", names());
            }
            return Ok(here);
        };
        match here.iter().find(|mount| mount.descriptor().name == wanted) {
            Some(mount) => Ok(vec![*mount]),
            None => bail!("the module `{wanted}` does not run in this program, only {}", names()),
        }
    }
}

impl Work<'_> {
    async fn carry_out(&self, order: Order, output: &mut dyn Write) -> anyhow::Result<Verdict> {
        let module = self.module;
        let Some(schema) = self.open(order).await? else {
            return tell_status(output, module, &self.migrations.status_of_nothing());
        };
        let outcome = self.carry_out_on(&schema, order, output).await;
        schema.close().await;
        outcome
    }

    /// The schema; `None` where there is none and none is to be made.
    async fn open(&self, order: Order) -> anyhow::Result<Option<Schema>> {
        let module = self.module;
        let Some(admin) = &self.admin else {
            let path = stores::data_file(self.config, module)?;
            if !path.exists() && order != Order::Up {
                return Ok(None);
            }
            std::fs::create_dir_all(&self.config.data.dir)?;
            let schema = SqliteSchema::open(module, &path).map_err(|error| self.explain(error))?;
            return Ok(Some(Schema::Sqlite(schema)));
        };
        let database = self.config.database_of(module).context("`postgres.url` is not set")?;
        let passwords = Passwords { app: database.app_password, system: database.system_password };
        let schema = PostgresSchema::connect(admin, module, passwords).await;
        Ok(Some(Schema::Postgres(Box::new(schema.map_err(|error| self.explain(error))?))))
    }

    async fn carry_out_on(
        &self,
        schema: &Schema,
        order: Order,
        output: &mut dyn Write,
    ) -> anyhow::Result<Verdict> {
        let module = self.module;
        let status = self.migrations.status(schema).await.map_err(|error| self.explain(error))?;
        if order == Order::Status {
            return tell_status(output, module, &status);
        }
        if !status.unknown.is_empty() {
            bail!(
                "the schema of {module} is newer than this build, which does not know {}; use the \
                 build that applied them. Nothing was changed",
                status.unknown.join(", ")
            );
        }
        match order {
            Order::Down { steps } => {
                let done = self.migrations.down(schema, steps).await;
                let done = done.map_err(|error| self.explain(error))?;
                tell(output, module, "took back", &done.migrations)?;
            }
            Order::Up | Order::Status => {
                let done = self.migrations.up(schema).await.map_err(|error| self.explain(error))?;
                tell(output, module, "made", &done.made)?;
                tell(output, module, "applied", &done.migrations)?;
                writeln!(output, "{module}: up to date")?;
            }
        }
        Ok(Verdict::Good)
    }

    /// The error with what to do about it.
    fn explain(&self, error: StoreError) -> anyhow::Error {
        let module = self.module;
        let remedy = match error.sqlstate().as_deref() {
            Some("3D000") => {
                "there is no such database; `migrate` makes schemas and roles, the database itself \
                 is yours to make (CREATE DATABASE)"
            }
            Some("28000" | "28P01") => {
                "the server refuses the user or the password of `postgres.admin_url`"
            }
            Some("42501") => {
                "the user of `postgres.admin_url` lacks a right: it needs CREATEROLE, and CREATE on \
                 the database (GRANT CREATE ON DATABASE …)"
            }
            Some("55P03") => {
                "something else holds a lock on the schema: another migration, or a transaction \
                 that does not end. Run it again when that is over"
            }
            _ => "",
        };
        let error = anyhow::Error::new(error);
        if remedy.is_empty() { error } else { error.context(format!("{module}: {remedy}")) }
    }
}

fn tell_status(
    output: &mut dyn Write,
    module: &str,
    status: &SchemaStatus,
) -> anyhow::Result<Verdict> {
    if status.pending.is_empty() && status.unknown.is_empty() {
        writeln!(output, "{module}: up to date, {} migrations", status.applied.len())?;
        return Ok(Verdict::Good);
    }
    tell(output, module, "missing", &status.pending)?;
    tell(output, module, "applied by a newer build", &status.unknown)?;
    Ok(Verdict::NotUpToDate)
}

/// Says what, unless it is nothing.
fn tell(output: &mut dyn Write, module: &str, what: &str, names: &[String]) -> anyhow::Result<()> {
    if !names.is_empty() {
        writeln!(output, "{module}: {what} {}", names.join(", "))?;
    }
    Ok(())
}

//! One of the two databases of a move.

use std::str::FromStr as _;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use kernel::Secret;
use serde::{Deserialize, Serialize};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection,
    postgres::PgConnectOptions, raw_sql,
};

use crate::workspace::module_name;

/// What a schema's comment begins with that no program may open; `storage` knows the same.
const CLOSED: &str = "moved: ";

/// How values are written, so that equal ones are written alike in both databases, and what must
/// not go wrong silently: with row security off, a query that policies would narrow is an error.
const SETTINGS: &str = "SET DateStyle = 'ISO, MDY'; SET TimeZone = 'UTC'; \
     SET IntervalStyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex'; \
     SET client_encoding = 'UTF8'; SET row_security = off; SET lock_timeout = '10s'; \
     SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

/// A database, entered by somebody who may change the module's schema.
pub(super) struct Side {
    module: String,
    place: String,
    pub(super) connection: PgConnection,
}

/// How a module's data stand in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No schema.
    Nothing,
    /// A schema that programs may open.
    Live,
    /// A schema that is being filled from elsewhere.
    Filling,
    /// A notice alone: the move to there is under way, and the source is called `kept`.
    Moving { to: String, kept: String },
    /// A notice alone: the data were moved to there, and what they came from is called `kept`.
    Moved { to: String, kept: String },
}

/// What the comment of a schema remembers that was set aside.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    to: String,
    is_done: bool,
}

impl Side {
    pub(super) async fn enter(url: &Secret, module: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url.expose());
        // The parser's error may repeat what it was given.
        let options = options.map_err(|_| anyhow!("the URL of a database is malformed"))?;
        let database = options.get_database().context("the URL names no database")?;
        let host = options
            .get_socket()
            .map_or_else(|| options.get_host().to_owned(), |folder| folder.display().to_string());
        let place = format!("{host}:{}/{database}", options.get_port());
        let context = || format!("entering {place}");
        let options = options.application_name("ashlar xtask").disable_statement_logging();
        let mut connection = PgConnection::connect_with(&options).await.with_context(context)?;
        connection.execute(raw_sql(SETTINGS)).await.with_context(context)?;
        Ok(Self { module: module_name(module), place, connection })
    }

    /// Ends the connection, and with it whatever it holds.
    pub(super) async fn leave(mut self) {
        // A server sees a client go in its own time.
        let _ = self.run("SELECT pg_advisory_unlock_all()").await;
        // A connection that broke holds nothing either.
        let _ = self.connection.close().await;
    }

    /// Host, port and database.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The module's schema, which is named as the module is.
    pub(super) fn schema(&self) -> &str {
        &self.module
    }

    /// Keeps migrations and other moves of the module out. One that has just ended is waited for.
    pub(super) async fn lock(&mut self) -> Result<()> {
        let locked = self.run(&self.locking("pg_advisory_lock")).await;
        locked.with_context(|| {
            format!(
                "a migration or another move of {} is under way in {}, or both URLs lead there",
                self.module, self.place
            )
        })
    }

    pub(super) async fn unlock(&mut self) -> Result<()> {
        let held: bool = self.ask(&self.locking("pg_advisory_unlock")).await?;
        ensure!(held, "the lock on {} in {} was lost", self.module, self.place);
        Ok(())
    }

    /// `storage` takes the same lock.
    fn locking(&self, function: &str) -> String {
        format!("SELECT {function}(hashtextextended('ashlar migrate {}', 0))", self.module)
    }

    pub(super) async fn find(&mut self) -> Result<Found> {
        let module = self.module.clone();
        let comment = format!(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace \
             WHERE nspname = '{module}'"
        );
        let comment: Option<Option<String>> = self.ask_optional(&comment).await?;
        let Some(comment) = comment else { return Ok(Found::Nothing) };
        let is_closed = comment.is_some_and(|comment| comment.starts_with(CLOSED));
        match (self.tables(&module).await?.is_empty(), is_closed) {
            (true, true) => {}
            // A schema that was made and never migrated, or taken back as a whole.
            (true, false) => return Ok(Found::Nothing),
            (false, true) => return Ok(Found::Filling),
            (false, false) => return Ok(Found::Live),
        }
        let Some(kept) = self.last_kept().await? else {
            bail!("the schema {module} in {} is closed, and nothing says by whom", self.place);
        };
        let journal = format!(
            "SELECT coalesce(obj_description(to_regnamespace('\"{kept}\"'), 'pg_namespace'), '')"
        );
        let journal: String = self.ask(&journal).await?;
        let journal: Journal = serde_json::from_str(&journal)
            .with_context(|| format!("reading the comment of {kept} in {}", self.place))?;
        Ok(match journal {
            Journal { to, is_done: true } => Found::Moved { to, kept },
            Journal { to, is_done: false } => Found::Moving { to, kept },
        })
    }

    /// The schema that was set aside last.
    async fn last_kept(&mut self) -> Result<Option<String>> {
        let kept = format!(
            "SELECT nspname FROM pg_namespace WHERE nspname ~ '^{module}_moved_[0-9]+$' \
             ORDER BY substring(nspname from '[0-9]+$')::bigint DESC LIMIT 1",
            module = self.module
        );
        self.ask_optional(&kept).await
    }

    /// Somebody at work would go on where nobody looks any more.
    pub(super) async fn refuse_sessions(&mut self) -> Result<()> {
        let sessions = format!(
            "SELECT string_agg(DISTINCT usename || ' (' || application_name || ')', ', ') \
             FROM pg_stat_activity WHERE datname = current_database() \
             AND usename IN ('{module}_app', '{module}_system')",
            module = self.module
        );
        let sessions: Option<String> = self.ask(&sessions).await?;
        if let Some(sessions) = sessions {
            bail!(
                "a running program is connected to {}: {sessions}. Stop all programs with {} in \
                 them, and let a pooler close its connections, then run this again",
                self.place,
                self.module
            );
        }
        Ok(())
    }

    /// Sets the schema aside and puts an empty one with `notice` in its place; says what the former
    /// is called now.
    pub(super) async fn close(&mut self, to: &str, notice: &str) -> Result<String> {
        let module = self.module.clone();
        let number = match self.last_kept().await? {
            Some(kept) => {
                let number = kept.rsplit('_').next().and_then(|number| number.parse::<u64>().ok());
                number.context("a number at the end of a name")? + 1
            }
            None => 1,
        };
        let kept = format!("{module}_moved_{number}");
        let tables = self.tables(&module).await?;
        let tables: Vec<String> =
            tables.iter().map(|table| format!("\"{module}\".\"{table}\"")).collect();
        let journal = Journal { to: to.to_owned(), is_done: false };
        let journal = serde_json::to_string(&journal)?;
        self.run("BEGIN").await?;
        // Waits for whoever is inside a transaction, and lets nobody else begin one.
        let locked = self.run(&format!("LOCK TABLE {}", tables.join(", "))).await;
        locked.context("a transaction of a program holds a table of the schema")?;
        self.refuse_sessions().await?;
        self.run(&format!(
            "ALTER SCHEMA \"{module}\" RENAME TO \"{kept}\"; \
             REVOKE ALL ON SCHEMA \"{kept}\" FROM \"{module}_app\", \"{module}_system\"; \
             COMMENT ON SCHEMA \"{kept}\" IS {journal}; \
             CREATE SCHEMA \"{module}\" AUTHORIZATION \"{module}_owner\"; \
             GRANT USAGE ON SCHEMA \"{module}\" TO \"{module}_app\", \"{module}_system\"; \
             COMMENT ON SCHEMA \"{module}\" IS {notice}; \
             COMMIT",
            journal = literal(&journal),
            notice = literal(&format!("{CLOSED}{notice}"))
        ))
        .await?;
        Ok(kept)
    }

    /// Takes back what [`Side::close`] did.
    pub(super) async fn reopen(&mut self, kept: &str) -> Result<()> {
        self.run(&format!(
            "BEGIN; DROP SCHEMA \"{module}\" RESTRICT; \
             ALTER SCHEMA \"{kept}\" RENAME TO \"{module}\"; \
             GRANT USAGE ON SCHEMA \"{module}\" TO \"{module}_app\", \"{module}_system\"; \
             COMMENT ON SCHEMA \"{module}\" IS NULL; COMMIT",
            module = self.module
        ))
        .await
    }

    /// Says in the source's place where the data are.
    pub(super) async fn say_where(&mut self, kept: &str, to: &str, notice: &str) -> Result<()> {
        let journal = Journal { to: to.to_owned(), is_done: true };
        let journal = serde_json::to_string(&journal)?;
        self.run(&format!(
            "BEGIN; COMMENT ON SCHEMA \"{kept}\" IS {journal}; \
             COMMENT ON SCHEMA \"{module}\" IS {notice}; COMMIT",
            module = self.module,
            journal = literal(&journal),
            notice = literal(&format!("{CLOSED}{notice}"))
        ))
        .await
    }

    /// Removes the notice that says where the data were moved to. A schema that is not empty stays,
    /// which is an error.
    pub(super) async fn remove_notice(&mut self) -> Result<()> {
        self.run(&format!("DROP SCHEMA \"{}\" RESTRICT", self.module)).await
    }

    /// Lets no program open the schema until it is filled.
    pub(super) async fn close_for_filling(&mut self, notice: &str) -> Result<()> {
        let notice = literal(&format!("{CLOSED}{notice}"));
        self.run(&format!("COMMENT ON SCHEMA \"{}\" IS {notice}", self.module)).await?;
        self.refuse_sessions().await
    }

    /// Lets programs open the schema.
    pub(super) async fn open(&mut self) -> Result<()> {
        self.run(&format!("COMMENT ON SCHEMA \"{}\" IS NULL", self.module)).await
    }

    /// The names of the tables in `schema`, those that others refer to before these. What migrations
    /// remember of themselves is not among them: it is compared, not copied.
    pub(super) async fn tables(&mut self, schema: &str) -> Result<Vec<String>> {
        let names = format!(
            "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') \
             AND relnamespace = to_regnamespace('\"{schema}\"') AND relname <> 'seaql_migrations' \
             ORDER BY relname"
        );
        let mut waiting: Vec<String> = self.ask_all(&names).await?;
        let references = format!(
            "SELECT (of.relname || chr(10) || to_.relname)::text FROM pg_constraint \
             JOIN pg_class AS of ON of.oid = conrelid JOIN pg_class AS to_ ON to_.oid = confrelid \
             WHERE contype = 'f' AND of.relnamespace = to_regnamespace('\"{schema}\"') \
             AND conrelid <> confrelid"
        );
        let references: Vec<String> = self.ask_all(&references).await?;
        let references: Vec<(&str, &str)> =
            references.iter().filter_map(|pair| pair.split_once('\n')).collect();
        let mut sorted: Vec<String> = Vec::new();
        while !waiting.is_empty() {
            let (ready, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|table| {
                references
                    .iter()
                    .filter(|(of, _)| of == table)
                    .all(|(_, to)| sorted.iter().any(|sorted| sorted == to))
            });
            ensure!(!ready.is_empty(), "tables that refer to each other: {}", later.join(", "));
            sorted.extend(ready);
            waiting = later;
        }
        Ok(sorted)
    }

    /// The migrations that `schema` has.
    pub(super) async fn migrations(&mut self, schema: &str) -> Result<Vec<String>> {
        let versions =
            format!("SELECT version FROM \"{schema}\".seaql_migrations ORDER BY version");
        self.ask_all(&versions).await
    }

    /// Becomes the owner of the tables for the rest of the transaction, whom the policies of
    /// `schema` do not bind until it ends.
    pub(super) async fn lift_policies(&mut self, schema: &str) -> Result<Vec<String>> {
        let forced = format!(
            "SELECT relname::text FROM pg_class WHERE relforcerowsecurity \
             AND relnamespace = to_regnamespace('\"{schema}\"')"
        );
        let forced: Vec<String> = self.ask_all(&forced).await?;
        self.run(&format!("SET LOCAL ROLE \"{}_owner\"", self.module)).await?;
        for table in &forced {
            let table = format!("\"{schema}\".\"{table}\"");
            self.run(&format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")).await?;
        }
        Ok(forced)
    }

    pub(super) async fn run(&mut self, statements: &str) -> Result<()> {
        let statements = raw_sql(AssertSqlSafe(statements.to_owned()));
        let done = self.connection.execute(statements).await;
        done.map(drop).with_context(|| format!("in {}", self.place))
    }

    pub(super) async fn ask<T>(&mut self, select: &str) -> Result<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let answer = sqlx::query_scalar(AssertSqlSafe(select.to_owned()));
        let answer = answer.fetch_one(&mut self.connection).await;
        answer.with_context(|| format!("in {}", self.place))
    }

    async fn ask_optional<T>(&mut self, select: &str) -> Result<Option<T>>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let answer = sqlx::query_scalar(AssertSqlSafe(select.to_owned()));
        let answer = answer.fetch_optional(&mut self.connection).await;
        answer.with_context(|| format!("in {}", self.place))
    }

    pub(super) async fn ask_all(&mut self, select: &str) -> Result<Vec<String>> {
        let answer = sqlx::query_scalar(AssertSqlSafe(select.to_owned()));
        let answer = answer.fetch_all(&mut self.connection).await;
        answer.with_context(|| format!("in {}", self.place))
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

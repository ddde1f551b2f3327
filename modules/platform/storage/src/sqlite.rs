//! The embedded engine: one file, one process, one writer.
//!
//! How a database is opened and locked, how a write transaction begins, how a value is stored so
//! that it compares, and what an error means.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, SqlErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
    sqlx::{
        Connection as _, Sqlite as SqliteDriver,
        pool::PoolOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};
use sea_orm_migration::MigratorTrait;
use time::{OffsetDateTime, UtcOffset, format_description::BorrowedFormatItem, macros};

use crate::{StoreError, UniqueKey};

/// How long a statement waits for its turn before the store counts as busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Readers run beside the writer and beside each other; two cores are seldom worth more.
const READERS: u32 = 4;

/// A reader that nobody has used for this long is closed: its thread and its cache are given back.
const READER_IDLE: Duration = Duration::from_secs(10);

const SQLITE: DbBackend = DbBackend::Sqlite;

/// One module's open database file.
pub(crate) struct Sqlite {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
    /// Held for as long as the file is open; the system releases it when the process dies.
    lock: File,
}

impl Sqlite {
    /// Takes the lock. Connections are made when they are needed.
    pub(crate) fn open(
        module: &'static str,
        path: &Path,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let lock = lock(module, path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(patience)
            .foreign_keys(true)
            // A commit is on the disk before it is answered for: another file, or a provider, may
            // rely on it at once, and must not know of what a power cut has taken back.
            .synchronous(SqliteSynchronous::Full)
            .statement_cache_capacity(64);
        let writer = PoolOptions::<SqliteDriver>::new()
            .max_connections(1)
            .acquire_timeout(patience)
            .idle_timeout(None)
            .max_lifetime(None)
            // An embedded connection cannot go away, so there is nothing to test.
            .test_before_acquire(false)
            .after_release(|connection, _| {
                Box::pin(async move {
                    // Behind a queued rollback. A connection that is still in a transaction then
                    // (SQLite rolls back by itself on a full disk, and the driver loses count)
                    // is replaced.
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_lazy_with(
                options
                    .clone()
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .pragma("cache_size", "-1024")
                    .pragma("journal_size_limit", "16777216"),
            );
        let readers = PoolOptions::<SqliteDriver>::new()
            .max_connections(READERS)
            .acquire_timeout(patience)
            .idle_timeout(READER_IDLE)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options.pragma("cache_size", "-512").pragma("query_only", "ON"));
        Ok(Self { writer: writer.into(), readers: readers.into(), lock })
    }

    /// The lock sees to it.
    pub(crate) const fn is_exclusive(&self) -> bool {
        true
    }

    /// What reads outside a transaction run on. Each statement sees the last commit.
    pub(crate) const fn readers(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// Starts a write transaction as the only writer. `IMMEDIATE`, since a transaction that reads
    /// first and writes later would fail where another has written between, whatever its patience.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.writer.begin_with_options(options).await
    }

    /// Applies all pending migrations in one transaction.
    pub(crate) async fn migrate<M: MigratorTrait>(
        &self,
        module: &'static str,
    ) -> Result<(), StoreError> {
        let failed = |source| StoreError::Migration { module, source };
        let tx = self.begin().await.map_err(|error| explain(module, error))?;
        let pending = M::get_pending_migrations_read_only(&tx).await.map_err(failed)?;
        if pending.is_empty() {
            return Ok(());
        }
        M::up(&tx, None).await.map_err(failed)?;
        tx.commit().await.map_err(|error| explain_commit(module, error))
    }

    /// Takes back the last `steps` migrations in one transaction.
    pub(crate) async fn migrate_down<M: MigratorTrait>(
        &self,
        module: &'static str,
        steps: u32,
    ) -> Result<(), StoreError> {
        let tx = self.begin().await.map_err(|error| explain(module, error))?;
        let taken_back = M::down(&tx, Some(steps)).await;
        taken_back.map_err(|source| StoreError::Migration { module, source })?;
        tx.commit().await.map_err(|error| explain_commit(module, error))
    }

    /// The names of the migrations that the file has, in their order.
    pub(crate) async fn applied_migrations(
        &self,
        module: &'static str,
    ) -> Result<Vec<String>, StoreError> {
        let failed = |source| StoreError::Migration { module, source };
        // On the writer, which creates a file that is not there.
        let ask = |select| self.writer.query_all_raw(Statement::from_string(SQLITE, select));
        let table = "SELECT name FROM sqlite_master WHERE name = 'seaql_migrations'";
        if ask(table).await.map_err(failed)?.is_empty() {
            return Ok(Vec::new());
        }
        let rows = ask("SELECT version FROM seaql_migrations ORDER BY version").await;
        let rows = rows.map_err(failed)?;
        rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>().map_err(failed)
    }

    /// Waits for open transactions to end, closes the file and lets another process have it.
    pub(crate) async fn close(&self) {
        // Closing fails only where the pool is none of sqlx's.
        let _ = self.readers.close_by_ref().await;
        let _ = self.writer.close_by_ref().await;
        // The lock ends with the process at the latest.
        let _ = self.lock.unlock();
    }
}

/// Makes the values of `statement` compare as stored. The driver writes times with as many digits
/// as they need, so that as text `…:00.5Z` comes before `…:00Z`; ours always have six.
pub(crate) fn make_comparable(statement: &mut Statement) -> Result<(), DbErr> {
    const FIXED_WIDTH: &[BorrowedFormatItem<'_>] = macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"
    );
    let values = statement.values.iter_mut().flat_map(|values| &mut values.0);
    for value in values {
        if let Value::TimeDateTimeWithTimeZone(moment) = value {
            let text = moment
                .map(|moment: OffsetDateTime| moment.to_offset(UtcOffset::UTC).format(FIXED_WIDTH))
                .transpose()
                .map_err(|error| DbErr::TryIntoErr {
                    from: "OffsetDateTime",
                    into: "text",
                    source: std::sync::Arc::new(error),
                })?;
            *value = Value::String(text);
        }
    }
    Ok(())
}

/// What an error of a statement means.
pub(crate) fn explain(module: &'static str, error: DbErr) -> StoreError {
    if let Some(SqlErr::UniqueConstraintViolation(message)) = error.sql_err() {
        return StoreError::Unique { module, key: unique_key(&message), source: error };
    }
    if matches!(error, DbErr::ConnectionAcquire(_)) || is_busy(&error) {
        return StoreError::Busy { module, source: error };
    }
    StoreError::Database { module, source: error }
}

/// What an error of a commit means. Where the driver passes on an error of SQLite, the transaction
/// has been or will be rolled back, unless the disk itself failed.
pub(crate) fn explain_commit(module: &'static str, error: DbErr) -> StoreError {
    const SQLITE_CONSTRAINT: i64 = 19;
    match primary_code(&error) {
        Some(SQLITE_BUSY | SQLITE_LOCKED) => StoreError::Busy { module, source: error },
        Some(SQLITE_CONSTRAINT) => StoreError::Database { module, source: error },
        _ => StoreError::CommitUnknown { module, source: error },
    }
}

const SQLITE_BUSY: i64 = 5;
const SQLITE_LOCKED: i64 = 6;

fn is_busy(error: &DbErr) -> bool {
    matches!(primary_code(error), Some(SQLITE_BUSY | SQLITE_LOCKED))
}

/// The result code without what extends it (<https://www.sqlite.org/rescode.html>).
fn primary_code(error: &DbErr) -> Option<i64> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))
    | DbErr::Conn(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    let code: i64 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// Reads `UNIQUE constraint failed: users.tenant_id, users.email`.
fn unique_key(message: &str) -> UniqueKey {
    let names = message.rsplit_once(": ").map_or("", |(_, names)| names);
    let mut table = "";
    let mut columns = Vec::new();
    for name in names.split(", ") {
        if let Some((of, column)) = name.split_once('.') {
            table = of;
            columns.push(column.to_owned());
        }
    }
    UniqueKey { table: table.to_owned(), columns }
}

fn lock(module: &'static str, path: &Path) -> Result<File, StoreError> {
    let open_error = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Open { module, path, source }
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(open_error(folder))?;
    }
    let lock_path = lock_path(path);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(open_error(&lock_path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { module, path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(open_error(&lock_path)(source)),
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

#[cfg(test)]
mod tests;

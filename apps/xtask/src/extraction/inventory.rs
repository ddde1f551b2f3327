//! What a database holds, so that a copy can be compared with it: for each table the count and a
//! checksum of its rows that does not depend on their order.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use futures_util::StreamExt as _;
use sea_orm_migration::sea_orm::sqlx::{
    self, AssertSqlSafe, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a database holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// By name; the schema itself is the table `sqlite_schema`.
    pub tables: Vec<Table>,
}

/// What a table holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// The sum modulo 2²⁵⁶ of the SHA-256 of every row, in hexadecimal: the same for the same rows
    /// in any order, and another one where a row is missing, changed or there twice.
    pub digest: String,
}

impl Inventory {
    /// Reads all of a database that nobody writes to.
    pub(super) async fn of(path: &Path) -> Result<Self> {
        let context = || format!("reading {}", path.display());
        let mut connection = open(path, Mode::ReadOnly).await?;
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND \
                     (name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR name = 'sqlite_sequence')";
        let mut names: Vec<String> =
            sqlx::query_scalar(names).fetch_all(&mut connection).await.with_context(context)?;
        names.push("sqlite_schema".to_owned());
        names.sort();
        let mut tables = Vec::new();
        for name in names {
            tables.push(read_table(&mut connection, name).await.with_context(context)?);
        }
        connection.close().await.with_context(context)?;
        Ok(Self { tables })
    }

    /// Says in which tables `copy` differs.
    pub(super) fn compare(&self, copy: &Self) -> Result<()> {
        let differs = |table: &&Table| !copy.tables.contains(table);
        let mut differing: Vec<&str> =
            self.tables.iter().filter(differs).map(|table| table.name.as_str()).collect();
        let added = copy
            .tables
            .iter()
            .filter(|table| self.tables.iter().all(|known| known.name != table.name));
        differing.extend(added.map(|table| table.name.as_str()));
        if !differing.is_empty() {
            bail!("the copy differs from what was counted before in {}", differing.join(", "));
        }
        Ok(())
    }
}

/// What a database is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    ReadOnly,
    ReadWrite,
}

/// Opens a database that exists.
pub(super) async fn open(path: &Path, mode: Mode) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .read_only(mode == Mode::ReadOnly);
    let opened = SqliteConnection::connect_with(&options).await;
    opened.with_context(|| format!("opening {}", path.display()))
}

async fn read_table(connection: &mut SqliteConnection, name: String) -> sqlx::Result<Table> {
    // Where a table begins is the file's own affair: a copy is laid out anew.
    let columns = "SELECT name FROM pragma_table_info(?1) \
                   WHERE name <> 'rootpage' OR ?1 <> 'sqlite_schema' ORDER BY cid";
    let columns: Vec<String> =
        sqlx::query_scalar(columns).bind(&name).fetch_all(&mut *connection).await?;
    let values: Vec<String> = columns.iter().map(|column| written(&quoted(column))).collect();
    let rows = format!("SELECT {} FROM {}", values.join(" || '|' || "), quoted(&name));
    let mut rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(rows)).fetch(connection);
    let (mut count, mut sum) = (0, Sum::default());
    while let Some(row) = rows.next().await {
        sum.add(row?.as_bytes());
        count += 1;
    }
    Ok(Table { name, rows: count, digest: sum.hexadecimal() })
}

/// A value as text that tells its type and every byte of it: `quote` would end at a NUL.
fn written(column: &str) -> String {
    format!(
        "typeof({column}) || ':' || CASE typeof({column}) WHEN 'text' THEN hex({column}) \
         WHEN 'blob' THEN hex({column}) ELSE quote({column}) END"
    )
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A sum of digests modulo 2²⁵⁶, the least significant byte first.
#[derive(Default)]
pub(super) struct Sum([u8; 32]);

impl Sum {
    pub(super) fn add(&mut self, row: &[u8]) {
        let digest = Sha256::digest(row);
        let mut carry = 0_u16;
        for (byte, added) in self.0.iter_mut().zip(digest) {
            let [low, high] = (u16::from(*byte) + u16::from(added) + carry).to_le_bytes();
            (*byte, carry) = (low, u16::from(high));
        }
    }

    pub(super) fn hexadecimal(&self) -> String {
        self.0.iter().rev().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&str]) -> String {
        let mut sum = Sum::default();
        rows.iter().for_each(|row| sum.add(row.as_bytes()));
        sum.hexadecimal()
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_everything_else_does() {
        assert_eq!(sum(&["a", "b", "c"]), sum(&["c", "a", "b"]));
        assert_ne!(sum(&["a", "b"]), sum(&["a", "c"]));
        assert_ne!(sum(&["a", "b"]), sum(&["a", "b", "b"]));
        assert_ne!(sum(&["a", "a"]), sum(&["b", "b"]));
    }

    #[test]
    fn one_row_is_its_sha_256() {
        // FIPS 180-4's example, read as a number whose least significant byte comes first.
        let mut expected: Vec<u8> = Sha256::digest(b"abc").to_vec();
        assert_eq!(expected[..4], [0xba, 0x78, 0x16, 0xbf]);
        expected.reverse();
        let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sum(&["abc"]), expected);
    }
}

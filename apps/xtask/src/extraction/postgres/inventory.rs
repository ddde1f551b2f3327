//! What a schema holds: for each table the count and a checksum of its rows, and where each
//! sequence stands.

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;

use super::{super::inventory::Sum, side::Side};
use crate::extraction::{Inventory, Table};

impl Side {
    /// Reads all of `schema`, past its policies, in a transaction that changes nothing.
    pub(super) async fn inventory(&mut self, schema: &str) -> Result<Inventory> {
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        let counted = self.count(schema).await;
        // Puts the policies back into force, also where something went wrong.
        self.run("ROLLBACK").await?;
        counted
    }

    async fn count(&mut self, schema: &str) -> Result<Inventory> {
        self.lift_policies(schema).await?;
        self.count_as_owner(schema).await
    }

    /// The same inside a transaction in which the policies are lifted already.
    pub(super) async fn count_as_owner(&mut self, schema: &str) -> Result<Inventory> {
        let mut tables = Vec::new();
        for name in self.tables(schema).await? {
            tables.push(self.count_table(schema, name).await?);
        }
        for name in self.sequences(schema).await? {
            let stands =
                format!("SELECT last_value || ' ' || is_called FROM \"{schema}\".\"{name}\"");
            let stands: String = self.ask(&stands).await?;
            let mut sum = Sum::default();
            sum.add(stands.as_bytes());
            let name = format!("sequence {name}");
            tables.push(Table { name, rows: 1, digest: sum.hexadecimal() });
        }
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Inventory { tables })
    }

    async fn count_table(&mut self, schema: &str, name: String) -> Result<Table> {
        let columns = self.columns(schema, &name).await?;
        let copy = format!("COPY \"{schema}\".\"{name}\" ({columns}) TO STDOUT");
        let context = || format!("reading {name}");
        let mut chunks = self.connection.copy_out_raw(&copy).await.with_context(context)?;
        let (mut rows, mut sum, mut rest) = (0, Sum::default(), Vec::new());
        while let Some(chunk) = chunks.next().await {
            rest.extend_from_slice(&chunk.with_context(context)?);
            // A line break in a value is written as `\n`: each line is a row.
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                sum.add(&rest[..end]);
                rows += 1;
                rest.drain(..=end);
            }
        }
        drop(chunks);
        Ok(Table { name, rows, digest: sum.hexadecimal() })
    }

    /// The columns of a table that hold something of their own, by name: in which order they were
    /// added does not matter.
    pub(super) async fn columns(&mut self, schema: &str, table: &str) -> Result<String> {
        self.ask(&format!(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute \
             WHERE attrelid = to_regclass('\"{schema}\".\"{table}\"') AND attnum > 0 \
             AND NOT attisdropped AND attgenerated = ''"
        ))
        .await
    }

    pub(super) async fn sequences(&mut self, schema: &str) -> Result<Vec<String>> {
        self.ask_all(&format!(
            "SELECT relname::text FROM pg_class WHERE relkind = 'S' \
             AND relnamespace = to_regnamespace('\"{schema}\"') ORDER BY relname"
        ))
        .await
    }
}

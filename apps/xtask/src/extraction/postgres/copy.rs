//! Copies a schema's rows, all in one transaction of the destination.

use anyhow::{Context as _, Result, ensure};
use futures_util::StreamExt as _;

use super::side::Side;
use crate::extraction::Inventory;

impl Side {
    /// Fills the module's schema at `goal` with what `kept` holds here, and commits only what is
    /// found there as it was `counted`.
    pub(super) async fn copy_to(
        &mut self,
        kept: &str,
        goal: &mut Self,
        counted: &Inventory,
    ) -> Result<()> {
        let schema = goal.schema().to_owned();
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        goal.run("BEGIN").await?;
        let copied = self.copy_inside(kept, goal, &schema, counted).await;
        let end = if copied.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = goal.run(end).await;
        self.run("ROLLBACK").await?;
        copied?;
        ended
    }

    async fn copy_inside(
        &mut self,
        kept: &str,
        goal: &mut Self,
        schema: &str,
        counted: &Inventory,
    ) -> Result<()> {
        self.lift_policies(kept).await?;
        let forced = goal.lift_policies(schema).await?;
        let tables = self.tables(kept).await?;
        let named: Vec<String> =
            tables.iter().map(|table| format!("\"{schema}\".\"{table}\"")).collect();
        // Whoever might be there by mistake is waited for, and then shut out.
        goal.run(&format!("LOCK TABLE {0}; TRUNCATE {0}", named.join(", "))).await?;
        for table in &tables {
            self.copy_table(kept, table, goal, schema).await?;
        }
        for sequence in self.sequences(kept).await? {
            let stands =
                format!("SELECT last_value || ', ' || is_called FROM \"{kept}\".\"{sequence}\"");
            let stands: String = self.ask(&stands).await?;
            goal.run(&format!("SELECT setval('\"{schema}\".\"{sequence}\"', {stands})")).await?;
        }
        counted.compare(&goal.count_as_owner(schema).await?)?;
        for table in forced {
            let table = format!("\"{schema}\".\"{table}\"");
            goal.run(&format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY")).await?;
        }
        Ok(())
    }

    async fn copy_table(
        &mut self,
        kept: &str,
        table: &str,
        goal: &mut Self,
        schema: &str,
    ) -> Result<()> {
        let context = || format!("copying {table}");
        let columns = self.columns(kept, table).await?;
        let there = goal.columns(schema, table).await?;
        ensure!(columns == there, "{table} has the columns {columns} here, and {there} there");
        let read = format!("COPY \"{kept}\".\"{table}\" ({columns}) TO STDOUT");
        let write = format!("COPY \"{schema}\".\"{table}\" ({columns}) FROM STDIN");
        let mut rows = self.connection.copy_out_raw(&read).await.with_context(context)?;
        let mut copy = goal.connection.copy_in_raw(&write).await.with_context(context)?;
        while let Some(chunk) = rows.next().await {
            copy.send(chunk.with_context(context)?).await.with_context(context)?;
        }
        copy.finish().await.map(drop).with_context(context)
    }
}

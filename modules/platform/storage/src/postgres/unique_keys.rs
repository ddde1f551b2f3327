//! The columns of the unique keys of a schema, by the keys' names. PostgreSQL tells them by itself
//! only where no row-level security could be asked about foreign rows in that way.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use sea_orm::{DbBackend, DbErr, Statement, sqlx::postgres::PgDatabaseError};

use super::{errors::unreachable, pool::Pool};
use crate::{StoreError, UniqueKey};

type Keys = HashMap<String, UniqueKey>;

/// What was read of the catalogue. Read again where a key turns up that a newer build's migration
/// has added since.
pub(super) struct UniqueKeys {
    known: Arc<RwLock<Keys>>,
    reading: Arc<AtomicBool>,
    module: &'static str,
    system: Pool,
}

impl UniqueKeys {
    pub(super) async fn load(module: &'static str, system: &Pool) -> Result<Self, StoreError> {
        let keys = read(system).await.map_err(|error| unreachable(module, error))?;
        let known = Arc::new(RwLock::new(keys));
        Ok(Self { known, reading: Arc::default(), module, system: system.clone() })
    }

    /// The key that two rows would have shared. Without columns where it is new: then the next who
    /// meets it knows them.
    pub(super) fn find(&self, error: &PgDatabaseError) -> UniqueKey {
        let name = error.constraint().unwrap_or_default();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        known.unwrap_or_else(|| {
            self.read_again();
            let table = error.table().unwrap_or_default().to_owned();
            UniqueKey { table, columns: Vec::new() }
        })
    }

    fn read_again(&self) {
        if self.reading.swap(true, Ordering::AcqRel) {
            return;
        }
        let (known, reading) = (Arc::clone(&self.known), Arc::clone(&self.reading));
        let (module, system) = (self.module, self.system.clone());
        self.system.runtime().spawn(async move {
            match read(&system).await {
                Ok(keys) => *known.write().unwrap_or_else(PoisonError::into_inner) = keys,
                Err(error) => tracing::warn!(
                    service.name = module,
                    error = &error as &dyn std::error::Error,
                    "the unique keys of the schema were not read again"
                ),
            }
            reading.store(false, Ordering::Release);
        });
    }
}

async fn read(system: &Pool) -> Result<Keys, DbErr> {
    let select = "SELECT key.relname AS key_name, held.relname AS table_name, \
         array_to_json(array_agg(part.attname ORDER BY position.nth)) AS columns \
         FROM pg_index AS index \
         JOIN pg_class AS key ON key.oid = index.indexrelid \
         JOIN pg_class AS held ON held.oid = index.indrelid \
         CROSS JOIN LATERAL unnest(index.indkey) WITH ORDINALITY AS position(attnum, nth) \
         JOIN pg_attribute AS part \
         ON part.attrelid = held.oid AND part.attnum = position.attnum \
         WHERE index.indisunique AND position.nth <= index.indnkeyatts \
         AND held.relnamespace = current_schema()::regnamespace \
         GROUP BY key.relname, held.relname";
    let rows = system.read(&Statement::from_string(DbBackend::Postgres, select)).await?;
    let mut keys = HashMap::with_capacity(rows.len());
    for row in rows {
        let name = row.try_get("", "key_name")?;
        let table = row.try_get("", "table_name")?;
        let columns: serde_json::Value = row.try_get("", "columns")?;
        let columns =
            serde_json::from_value(columns).map_err(|error| DbErr::Json(error.to_string()))?;
        keys.insert(name, UniqueKey { table, columns });
    }
    Ok(keys)
}

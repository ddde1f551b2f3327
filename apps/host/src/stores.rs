//! Which database a module's data are in, by the configuration.

use std::path::PathBuf;

use anyhow::Context as _;
use storage::{Engine, PostgresConfig, StoreError};

use crate::config::{Config, Pooler, StoreEngine};

/// What `module` runs on.
pub(crate) fn engine_of(config: &Config, module: &str) -> anyhow::Result<Engine> {
    match config.store.engine() {
        StoreEngine::Sqlite => {
            let path = data_file(config, module)?;
            std::fs::create_dir_all(&config.data.dir)?;
            Ok(Engine::Sqlite { path })
        }
        StoreEngine::Postgres => Ok(Engine::Postgres(postgres(config, module)?)),
    }
}

/// The module's file on the embedded engine, unless its data were moved away.
pub(crate) fn data_file(config: &Config, module: &str) -> anyhow::Result<PathBuf> {
    let dir = &config.data.dir;
    // Written by `cargo xtask extract`: says in sentences where the data went and what to do.
    if let Ok(notice) = std::fs::read_to_string(dir.join(format!("{module}.moved"))) {
        anyhow::bail!("the data of {module} are not in {}: {}", dir.display(), notice.trim());
    }
    Ok(dir.join(format!("{module}.db")))
}

/// The error of a store that does not open, with what to do about it.
pub(crate) fn explained(error: StoreError) -> anyhow::Error {
    let refused = matches!(error.sqlstate().as_deref(), Some("28000" | "28P01" | "3D000"));
    let error = anyhow::Error::new(error);
    if !refused {
        return error;
    }
    error.context(
        "the database is not there, or its roles are not, or have other passwords: `migrate` makes \
         them, and gives them the passwords that are configured",
    )
}

fn postgres(config: &Config, module: &str) -> anyhow::Result<PostgresConfig> {
    let database = config.database_of(module).context("`postgres.url` is not set")?;
    Ok(PostgresConfig {
        url: database.url,
        app_password: database.app_password,
        system_password: database.system_password,
        connections: config.postgres.connections,
        system_connections: config.postgres.system_connections,
        acquire_time: config.acquire_time(),
        pooler: match config.postgres.pooler {
            Pooler::None => storage::Pooler::None,
            Pooler::Transaction => storage::Pooler::Transaction,
        },
    })
}

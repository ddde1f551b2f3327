//! What a module finds where it is mounted.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, Ids};
use module::{Module, Ports, SharedCache, SubscriptionRoutes};
use remote::HttpClient;
use sea_orm_migration::MigratorTrait;
use seam::{ModuleDescriptor, Port};
use storage::{Store, StoreConfig, StoreParts};
use tokens::{Sealer, SigningKey};

use crate::{
    Migrations, catalogue,
    config::{Config, Section},
    keys::{self, Keys},
    limits::Commons,
    stores,
};

/// A module's wiring: which store, adapters and settings it gets. One for each service program;
/// the monolith mounts them all.
#[async_trait]
pub trait Mount: Send + Sync {
    /// The module.
    fn descriptor(&self) -> ModuleDescriptor;

    /// The files under `data.keys_dir` that the module asks the [`Site`] for, such as
    /// [`SEALING_KEY`](crate::SEALING_KEY). Where keys are given and never made, nothing starts
    /// before all are there. None where a module has no keys of its own.
    fn keys(&self) -> &'static [&'static str] {
        &[]
    }

    /// Its schema's versions, for `migrate`.
    fn migrations(&self) -> Migrations;

    /// Reads the module's own section and reports every mistake in it.
    fn configure(&mut self, config: &Config, section: &mut Section<'_>);

    /// Connects the module to the site.
    ///
    /// # Errors
    /// A store, key or adapter that cannot be had; the program does not start.
    async fn mount(&self, site: &Site) -> anyhow::Result<Module>;
}

/// What a module finds where it is mounted.
pub struct Site {
    pub(crate) config: Config,
    pub(crate) keys: Keys,
    pub(crate) ports: Ports,
    pub(crate) client: HttpClient,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) commons: Commons,
    pub(crate) cache: Arc<dyn SharedCache>,
}

impl Site {
    /// Opens the module's own data. On the embedded engine its schema is brought up to date first;
    /// on PostgreSQL that is what `migrate` is for.
    ///
    /// # Errors
    /// Data that another process has open, that were moved to another place, whose migrations fail
    /// or are behind, or a database that cannot be reached or whose roles are not as they should
    /// be.
    pub async fn store<M: MigratorTrait>(&self, module: &'static str) -> anyhow::Result<Store> {
        let engine = stores::engine_of(&self.config, module)?;
        let parts = StoreParts {
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            routes: Arc::new(SubscriptionRoutes::among(catalogue::MODULES)),
        };
        Store::open::<M>(StoreConfig { module, engine }, parts).await.map_err(stores::explained)
    }

    /// A client of another module's port, wherever that module runs.
    #[must_use]
    pub fn port<P: Port + ?Sized>(&self) -> Arc<P> {
        self.ports.client::<P>()
    }

    /// The settings that all programs share.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// A signing key of the module's own, such as the one that auth signs access tokens with.
    /// `file` is one of [`Mount::keys`].
    ///
    /// # Errors
    /// A file that is missing in production, or cannot be read or written.
    pub fn signing_key(&self, file: &'static str) -> anyhow::Result<Arc<SigningKey>> {
        keys::signing_key(&self.config, file)
    }

    /// Seals and opens what must not be read on its way to another module. A module that asks has
    /// [`SEALING_KEY`](crate::SEALING_KEY) among its [`Mount::keys`].
    ///
    /// # Errors
    /// As [`Site::signing_key`].
    pub fn sealer(&self) -> anyhow::Result<Arc<Sealer>> {
        keys::sealer(&self.config)
    }

    /// What all replicas remember together for a moment; this process alone where there is no
    /// Redis. See [`SharedCache`] for what may be kept there.
    #[must_use]
    pub fn cache(&self) -> Arc<dyn SharedCache> {
        Arc::clone(&self.cache)
    }

    /// The clock that all modules of the program share.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }
}

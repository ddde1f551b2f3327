//! Auth's wiring: its store, the key it signs access tokens with, billing for the seats.

use std::sync::Arc;

use async_trait::async_trait;
use auth::{Argon2id, AuthSettings, Dependencies};
use auth_api::MODULE;
use auth_migrations::Migrator;
use host::{
    Keys, Mount, Site, TOKEN_ISSUER,
    config::{Config, Section},
};
use module::Module;
use seam::ModuleDescriptor;

/// Auth, to be mounted by a program.
#[derive(Default)]
pub struct Auth {
    settings: AuthSettings,
}

#[async_trait]
impl Mount for Auth {
    fn descriptor(&self) -> ModuleDescriptor {
        MODULE
    }

    fn configure(&mut self, _config: &Config, section: &mut Section<'_>) {
        self.settings = section.read();
    }

    async fn mount(&self, site: &Site) -> anyhow::Result<Module> {
        Ok(auth::module(Dependencies {
            store: site.store::<Migrator>(MODULE.name).await?,
            billing: site.port(),
            issuer: TOKEN_ISSUER.to_owned(),
            signing_key: Keys::signing_key(site.config(), "auth-signing")?,
            sealer: site.keys().sealer.clone(),
            hashing: Arc::new(Argon2id::default()),
            settings: self.settings.clone(),
        }))
    }
}

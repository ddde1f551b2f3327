//! Billing's wiring: its store, its payment gateway, its price list.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use billing::{Catalog, Dependencies};
use billing_api::{MODULE, PaymentGateway};
use billing_migrations::Migrator;
use host::{
    Mount, Site,
    config::{Config, Section},
};
use module::Module;
use sandbox::SandboxGateway;
use seam::ModuleDescriptor;
use serde::Deserialize;

/// Billing, to be mounted by a program.
#[derive(Default)]
pub struct Billing {
    settings: Settings,
    catalog: Catalog,
}

/// `billing`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Who takes payments.
    gateway: Gateway,
    /// The price list; the one that comes with the program where it is left out.
    plans_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Gateway {
    #[default]
    Sandbox,
}

#[async_trait]
impl Mount for Billing {
    fn descriptor(&self) -> ModuleDescriptor {
        MODULE
    }

    fn configure(&mut self, config: &Config, section: &mut Section<'_>) {
        self.settings = section.read();
        match self.settings.gateway {
            Gateway::Sandbox if !config.profile.allows_sandbox() => {
                section.mistake("gateway", "`sandbox` is for the local and test profiles");
            }
            Gateway::Sandbox => {}
        }
        if let Some(path) = &self.settings.plans_file {
            match Catalog::read(path) {
                Ok(catalog) => self.catalog = catalog,
                Err(error) => section.mistake("plans_file", error),
            }
        }
    }

    async fn mount(&self, site: &Site) -> anyhow::Result<Module> {
        let gateway: Arc<dyn PaymentGateway> = match self.settings.gateway {
            Gateway::Sandbox => {
                Arc::new(SandboxGateway::open(site.config().data.sandbox().join("payments"))?)
            }
        };
        Ok(billing::module(Dependencies {
            store: site.store::<Migrator>(MODULE.name).await?,
            gateway,
            catalog: self.catalog.clone(),
            settings: billing::Settings::default(),
        }))
    }
}

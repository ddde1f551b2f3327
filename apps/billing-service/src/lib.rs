//! Billing's wiring: its store, its payment gateway, its price list.

mod provider;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use billing::{Catalog, Dependencies, Settings};
use billing_api::MODULE;
use billing_migrations::Migrator;
use host::{
    Migrations, Mount, Site,
    config::{Config, Section},
};
use module::Module;
use provider::{Gateway, Provider};
use seam::ModuleDescriptor;
use serde::Deserialize;

/// Billing, to be mounted by a program.
#[derive(Default)]
pub struct Billing {
    provider: Provider,
    settings: Settings,
    catalog: Catalog,
}

/// What an operator may set under `[billing]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BillingSection {
    /// Who takes payments.
    gateway: Gateway,
    /// The price list; the one that comes with the program where it is left out.
    plans_file: Option<PathBuf>,
    /// The most that the payment provider may take while a client waits: 1 to 60, and no more than
    /// `public.request_seconds`.
    charge_seconds: Option<u64>,
}

#[async_trait]
impl Mount for Billing {
    fn descriptor(&self) -> ModuleDescriptor {
        MODULE
    }

    fn migrations(&self) -> Migrations {
        Migrations::of::<Migrator>()
    }

    fn configure(&mut self, config: &Config, section: &mut Section<'_>) {
        let BillingSection { gateway, plans_file, charge_seconds } = section.read();
        self.provider = Provider::configured(gateway, config, section);
        if let Some(path) = plans_file {
            match Catalog::read(&path) {
                Ok(catalog) => self.catalog = catalog,
                Err(error) => section.mistake("plans_file", error),
            }
        }
        let most = config.public.request_seconds.min(60);
        match charge_seconds.map(Duration::from_secs) {
            Some(time) if !(Duration::from_secs(1)..=Duration::from_secs(most)).contains(&time) => {
                let what = format!("is between 1 and {most}: a request takes no longer");
                section.mistake("charge_seconds", what);
            }
            Some(time) => self.settings.charge_time = time,
            None => {
                let shortened = self.settings.charge_time.min(config.public.request_time());
                self.settings.charge_time = shortened;
            }
        }
    }

    async fn mount(&self, site: &Site) -> anyhow::Result<Module> {
        let (gateway, webhooks) = self.provider.connect(site)?;
        Ok(billing::module(Dependencies {
            store: site.store::<Migrator>(MODULE.name).await?,
            gateway,
            webhooks,
            catalog: self.catalog.clone(),
            settings: self.settings.clone(),
        }))
    }
}

//! The wiring of the {{words}} module: its store and its settings.

use async_trait::async_trait;
use host::{
    Migrations, Mount, Site,
    config::{Config, Section},
};
use module::Module;
use {{name}}::Dependencies;
use {{name}}_api::MODULE;
use {{name}}_migrations::Migrator;
use seam::ModuleDescriptor;
use serde::Deserialize;

/// The module, to be mounted by a program.
#[derive(Debug, Default)]
pub struct {{Module}};

/// `{{name}}`: nothing can be set yet, and what is set by mistake is reported.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {}

#[async_trait]
impl Mount for {{Module}} {
    fn descriptor(&self) -> ModuleDescriptor {
        MODULE
    }

    fn migrations(&self) -> Migrations {
        Migrations::of::<Migrator>()
    }

    fn configure(&mut self, _config: &Config, section: &mut Section<'_>) {
        let Settings {} = section.read();
    }

    async fn mount(&self, site: &Site) -> anyhow::Result<Module> {
        Ok({{name}}::module(Dependencies { store: site.store::<Migrator>(MODULE.name).await? }))
    }
}

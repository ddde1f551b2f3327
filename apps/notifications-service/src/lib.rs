//! Notifications' wiring: its store, its mail sender, auth for the addresses.

use std::sync::Arc;

use async_trait::async_trait;
use auth_api::AuthApi;
use host::{
    Mount, Site,
    config::{Config, Section},
};
use module::Module;
use notifications::{Dependencies, Settings};
use notifications_api::{EmailSender, MODULE};
use notifications_migrations::Migrator;
use sandbox::SandboxMailbox;
use seam::ModuleDescriptor;
use serde::Deserialize;

/// Notifications, to be mounted by a program.
#[derive(Default)]
pub struct Notifications {
    settings: NotificationsConfig,
}

/// `notifications`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NotificationsConfig {
    /// Who carries mails.
    mailer: Mailer,
    /// Whom mails are from.
    from: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mailer {
    #[default]
    Sandbox,
}

impl Default for NotificationsConfig {
    fn default() -> Self {
        Self { mailer: Mailer::Sandbox, from: "Ashlar <no-reply@localhost>".to_owned() }
    }
}

#[async_trait]
impl Mount for Notifications {
    fn descriptor(&self) -> ModuleDescriptor {
        MODULE
    }

    fn configure(&mut self, config: &Config, section: &mut Section<'_>) {
        self.settings = section.read();
        match self.settings.mailer {
            Mailer::Sandbox if !config.profile.allows_sandbox() => {
                section.mistake("mailer", "`sandbox` is for the local and test profiles");
            }
            Mailer::Sandbox => {}
        }
    }

    async fn mount(&self, site: &Site) -> anyhow::Result<Module> {
        let mailer: Arc<dyn EmailSender> = match self.settings.mailer {
            Mailer::Sandbox => {
                Arc::new(SandboxMailbox::open(site.config().data.sandbox().join("mailbox"))?)
            }
        };
        Ok(notifications::module(Dependencies {
            store: site.store::<Migrator>(MODULE.name).await?,
            auth: site.port::<dyn AuthApi>(),
            mailer,
            sealer: site.keys().sealer.clone(),
            settings: Settings {
                public_origin: site.config().public.origin(),
                from: self.settings.from.clone(),
            },
        }))
    }
}

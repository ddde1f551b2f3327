//! Notifications' wiring: its store, its mail sender, auth for the addresses.

mod address;
mod mailer;

use async_trait::async_trait;
use auth_api::AuthApi;
use host::{
    Migrations, Mount, SEALING_KEY, Site,
    config::{Config, Section},
};
use module::Module;
use notifications::{Dependencies, Settings};
use notifications_api::MODULE;
use notifications_migrations::Migrator;
use seam::ModuleDescriptor;
use serde::Deserialize;

use crate::{
    address::is_sender,
    mailer::{Mailer, Sender},
};

/// Whom mails are from where nobody says it: nobody can answer to it, and no provider takes it.
const DEFAULT_FROM: &str = "Ashlar <no-reply@localhost>";

/// Notifications, to be mounted by a program.
#[derive(Default)]
pub struct Notifications {
    mailer: Mailer,
    from: String,
}

/// What an operator may set under `[notifications]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NotificationsSection {
    /// Who carries mails.
    sender: Sender,
    /// Whom mails are from: one address, with or without a name.
    from: Option<String>,
}

#[async_trait]
impl Mount for Notifications {
    fn descriptor(&self) -> ModuleDescriptor {
        MODULE
    }

    fn keys(&self) -> &'static [&'static str] {
        &[SEALING_KEY]
    }

    fn migrations(&self) -> Migrations {
        Migrations::of::<Migrator>()
    }

    fn configure(&mut self, config: &Config, section: &mut Section<'_>) {
        let NotificationsSection { sender, from } = section.read();
        if from.as_deref().is_some_and(|from| !is_sender(from)) {
            section.mistake("from", "is one address, such as `Example <no-reply@example.com>`");
        }
        let (mailer, provider_from) = Mailer::configured(sender, config, section);
        let from = provider_from.or(from);
        if from.is_none() && !matches!(mailer, Mailer::Sandbox) {
            section.mistake("from", "is needed where mails are really sent");
        }
        self.mailer = mailer;
        self.from = from.unwrap_or_else(|| DEFAULT_FROM.to_owned());
    }

    async fn mount(&self, site: &Site) -> anyhow::Result<Module> {
        Ok(notifications::module(Dependencies {
            store: site.store::<Migrator>(MODULE.name).await?,
            auth: site.port::<dyn AuthApi>(),
            mailer: self.mailer.connect(site)?,
            sealer: site.sealer()?,
            settings: Settings {
                public_origin: site.config().public.origin(),
                from: self.from.clone(),
            },
        }))
    }
}

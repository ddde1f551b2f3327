//! Notifications' wiring: its store, its mail sender, auth for the addresses.

use std::sync::Arc;

use async_trait::async_trait;
use auth_api::AuthApi;
use host::{
    Migrations, Mount, SEALING_KEY, Site,
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
    section: NotificationsSection,
}

/// What an operator may set under `[notifications]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NotificationsSection {
    /// Who carries mails.
    mailer: Mailer,
    /// Whom mails are from: one address, with or without a name.
    from: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mailer {
    #[default]
    Sandbox,
}

impl Default for NotificationsSection {
    fn default() -> Self {
        Self { mailer: Mailer::Sandbox, from: "Ashlar <no-reply@localhost>".to_owned() }
    }
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
        self.section = section.read();
        match self.section.mailer {
            Mailer::Sandbox if !config.profile.allows_sandbox() => {
                section.mistake("mailer", "`sandbox` is for the local and test profiles");
            }
            Mailer::Sandbox => {}
        }
        if !is_sender(&self.section.from) {
            section.mistake("from", "is one address, such as `Example <no-reply@example.com>`");
        }
    }

    async fn mount(&self, site: &Site) -> anyhow::Result<Module> {
        let mailer: Arc<dyn EmailSender> = match self.section.mailer {
            Mailer::Sandbox => Arc::new(SandboxMailbox::open(site.config().data.mailbox())?),
        };
        Ok(notifications::module(Dependencies {
            store: site.store::<Migrator>(MODULE.name).await?,
            auth: site.port::<dyn AuthApi>(),
            mailer,
            sealer: site.sealer()?,
            settings: Settings {
                public_origin: site.config().public.origin(),
                from: self.section.from.clone(),
            },
        }))
    }
}

/// Whether `text` is `local@domain` or `Name <local@domain>`: what RFC 5322 §3.4 calls a mailbox,
/// without its comments and quoted local parts.
fn is_sender(text: &str) -> bool {
    let address = match text.strip_suffix('>') {
        Some(named) => match named.split_once('<') {
            Some((name, address)) if !name.trim().is_empty() => address,
            _ => return false,
        },
        None => text,
    };
    let plain = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>@,;:".contains(c))
    };
    let parts = address.split_once('@');
    !text.contains(char::is_control)
        && parts.is_some_and(|(local, domain)| plain(local) && plain(domain))
}

#[cfg(test)]
mod tests {
    use super::is_sender;

    #[test]
    fn a_sender_is_one_address_with_or_without_a_name() {
        let default = super::NotificationsSection::default().from;
        for good in [default.as_str(), "no-reply@example.com", "Ex, Inc. <a.b+c@example.com>"] {
            assert!(is_sender(good), "{good}");
        }
        for bad in [
            "",
            "Example",
            "no-reply@",
            "@example.com",
            "a@b@example.com",
            "<no-reply@example.com>",
            "Example <no-reply@example.com",
            "Example no-reply@example.com",
            "a@example.com, b@example.com",
            "Example\r\nBcc: x <no-reply@example.com>",
        ] {
            assert!(!is_sender(bad), "{bad}");
        }
    }
}

//! Auth's wiring: its store, the key it signs access tokens with, billing for the seats.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth::{Argon2id, AuthSettings, Dependencies, HashingLimits};
use auth_api::MODULE;
use auth_migrations::Migrator;
use host::{
    Migrations, Mount, SEALING_KEY, Site, TOKEN_ISSUER,
    config::{Config, Section},
};
use module::Module;
use seam::ModuleDescriptor;

/// What auth signs access tokens with.
const SIGNING_KEY: &str = "auth-signing.pem";

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

    fn keys(&self) -> &'static [&'static str] {
        &[SIGNING_KEY, SEALING_KEY]
    }

    fn migrations(&self) -> Migrations {
        Migrations::of::<Migrator>()
    }

    fn configure(&mut self, config: &Config, section: &mut Section<'_>) {
        self.settings = section.read();
        let (hashes, most) = (self.settings.hashing.concurrency, HashingLimits::MOST);
        if !(1..=most).contains(&hashes) {
            let what = format!("is between 1 and {most}, not {hashes}: with none, nobody logs in");
            section.mistake("hashing.concurrency", what);
        }
        // The call that reserves a seat must not arrive after the seat was given up.
        if self.settings.reservation_patience <= config.public.request_time() {
            let longest = config.public.request_seconds;
            let what = format!("is more than `public.request_seconds`, which is {longest}");
            section.mistake("reservation_patience_seconds", what);
        }
        let lifetimes = [
            ("access_token_seconds", self.settings.access_token_lifetime),
            ("refresh_token_seconds", self.settings.refresh_token_lifetime),
            ("session_seconds", self.settings.session_lifetime),
            ("verification_seconds", self.settings.verification_lifetime),
            ("invitation_seconds", self.settings.invitation_lifetime),
            ("seat_call_seconds", self.settings.seat_call_time),
        ];
        for (key, _) in lifetimes.iter().filter(|(_, time)| *time < Duration::from_secs(1)) {
            section.mistake(key, "is at least 1");
        }
    }

    async fn mount(&self, site: &Site) -> anyhow::Result<Module> {
        Ok(auth::module(Dependencies {
            store: site.store::<Migrator>(MODULE.name).await?,
            billing: site.port(),
            issuer: TOKEN_ISSUER.to_owned(),
            signing_key: site.signing_key(SIGNING_KEY)?,
            sealer: site.sealer()?,
            hashing: Arc::new(Argon2id::default()),
            settings: self.settings.clone(),
        }))
    }
}

//! Who carries mails, by configuration.

use std::{path::PathBuf, sync::Arc};

use host::{
    Site,
    config::{Config, Section},
};
use kernel::Secret;
use notifications_api::EmailSender;
use sandbox::SandboxMailbox;
use sendgrid::{SendGridConfig, SendGridSender};
use serde::Deserialize;

use crate::address::is_sender;

/// What may be set as `notifications.sender`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sender {
    /// Nobody: mails are files.
    #[default]
    Sandbox,
    /// SendGrid, as `[sendgrid]` says.
    Sendgrid,
}

/// The one who carries mails, ready to be connected.
#[derive(Debug, Default)]
pub(crate) enum Mailer {
    #[default]
    Sandbox,
    SendGrid(SendGridConfig),
}

/// What an operator may set under `[sendgrid]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SendGridSection {
    /// A key that may send mails.
    api_key: Option<Secret>,
    /// A file that holds it.
    api_key_file: Option<PathBuf>,
    /// Whom mails are from, in place of `notifications.from`: a sender that the account has
    /// verified.
    from: Option<String>,
    /// Where the API is: `https://api.eu.sendgrid.com` for an account in the European Union;
    /// SendGrid's global one where it is left out.
    base_url: Option<String>,
}

impl Mailer {
    /// The sender that is named, and whom its mails are from where that is said with it; with all
    /// mistakes in its settings reported.
    pub(crate) fn configured(
        sender: Sender,
        config: &Config,
        section: &mut Section<'_>,
    ) -> (Self, Option<String>) {
        match sender {
            Sender::Sandbox => {
                if !config.profile.allows_sandbox() {
                    section.mistake("sender", "`sandbox` is for the local and test profiles");
                }
                (Self::Sandbox, None)
            }
            Sender::Sendgrid => Self::sendgrid(config, &mut section.of_provider("sendgrid")),
        }
    }

    fn sendgrid(config: &Config, section: &mut Section<'_>) -> (Self, Option<String>) {
        let SendGridSection { mut api_key, api_key_file, from, base_url } = section.read();
        section.read_secret("api_key", &mut api_key, api_key_file.as_deref());
        let api_key = api_key.unwrap_or_else(|| Secret::new(""));
        // Every key of the v3 API begins so; another secret in its place is told before it is sent.
        let printable = |byte: u8| byte.is_ascii_graphic();
        if !api_key.expose().starts_with("SG.") || !api_key.expose().bytes().all(printable) {
            section.mistake("api_key", "is a key of the account, `SG.…`, that may send mails");
        }
        if from.as_deref().is_some_and(|from| !is_sender(from)) {
            section.mistake("from", "is one address, such as `Example <no-reply@example.com>`");
        }
        let base_url = base_url.unwrap_or_else(|| SendGridConfig::GLOBAL.to_owned());
        let base_url = base_url.trim_end_matches('/').to_owned();
        // A stand-in is a developer's; neither key nor mails are to travel in clear.
        let clear = base_url.starts_with("http://") && config.profile.allows_sandbox();
        if !base_url.starts_with("https://") && !clear {
            section.mistake("base_url", format!("`{base_url}` does not begin with https://"));
        }
        (Self::SendGrid(SendGridConfig { base_url, ..SendGridConfig::new(api_key) }), from)
    }

    /// Nothing is sent yet: the provider need not be up.
    pub(crate) fn connect(&self, site: &Site) -> anyhow::Result<Arc<dyn EmailSender>> {
        Ok(match self {
            Self::Sandbox => Arc::new(SandboxMailbox::open(site.config().data.mailbox())?),
            Self::SendGrid(config) => {
                Arc::new(SendGridSender::new(config.clone(), sendgrid::client()?))
            }
        })
    }
}

//! Who takes payments, by configuration.

use std::{path::PathBuf, sync::Arc};

use billing_api::{PaymentGateway, ProviderWebhooks};
use host::{
    Site,
    config::{Config, Section},
};
use kernel::Secret;
use sandbox::SandboxGateway;
use serde::Deserialize;
use stripe::{StripeConfig, StripeGateway, StripeWebhooks};

/// What may be set as `billing.gateway`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Gateway {
    /// Nobody: payments are files.
    #[default]
    Sandbox,
    /// Stripe, as `[stripe]` says.
    Stripe,
}

/// The one who takes payments, ready to be connected.
#[derive(Debug, Default)]
pub(crate) struct Provider {
    payments: Payments,
    /// What webhooks are signed with. The sandbox sends none, but takes what is signed as Stripe
    /// signs, so that they can be tried without an account.
    webhook_secrets: Vec<Secret>,
}

#[derive(Debug, Default)]
enum Payments {
    #[default]
    Sandbox,
    Stripe(StripeConfig),
}

/// What verifies the webhooks of the one who takes payments, where there are any.
type Webhooks = Option<Arc<dyn ProviderWebhooks>>;

/// What an operator may set under `[stripe]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StripeSection {
    /// The account's secret key, or a restricted one.
    secret_key: Option<Secret>,
    /// A file that holds it.
    secret_key_file: Option<PathBuf>,
    /// The secrets of the webhook endpoint; two while one is being replaced. Without one there is
    /// no route for webhooks: what they would tell is then found out by asking, only later.
    webhook_secrets: Vec<Secret>,
    /// Files that hold one each.
    webhook_secrets_file: Vec<PathBuf>,
    /// Where the API is; Stripe's own where it is left out.
    base_url: Option<String>,
}

impl Provider {
    /// The provider that `gateway` names, with all mistakes in its settings reported.
    pub(crate) fn configured(gateway: Gateway, config: &Config, section: &mut Section<'_>) -> Self {
        if matches!(gateway, Gateway::Sandbox) && !config.profile.allows_sandbox() {
            section.mistake("gateway", "`sandbox` is for the local and test profiles");
        }
        let section = &mut section.of_provider("stripe");
        let StripeSection {
            mut secret_key,
            secret_key_file,
            mut webhook_secrets,
            webhook_secrets_file,
            base_url,
        } = section.read();
        for file in &webhook_secrets_file {
            let mut secret = None;
            section.read_secret("webhook_secrets", &mut secret, Some(file));
            webhook_secrets.extend(secret);
        }
        if webhook_secrets.iter().any(|secret| !secret.expose().starts_with("whsec_")) {
            section.mistake("webhook_secrets", "are those of the webhook endpoint, `whsec_…`");
        }
        let payments = match gateway {
            Gateway::Sandbox => Payments::Sandbox,
            Gateway::Stripe => {
                section.read_secret("secret_key", &mut secret_key, secret_key_file.as_deref());
                Payments::Stripe(stripe_config(config, section, secret_key, base_url))
            }
        };
        Self { payments, webhook_secrets }
    }

    /// Nothing is sent yet: the provider need not be up.
    pub(crate) fn connect(
        &self,
        site: &Site,
    ) -> anyhow::Result<(Arc<dyn PaymentGateway>, Webhooks)> {
        let gateway: Arc<dyn PaymentGateway> = match &self.payments {
            Payments::Sandbox => Arc::new(SandboxGateway::open(site.config().data.payments())?),
            Payments::Stripe(config) => {
                Arc::new(StripeGateway::new(config.clone(), stripe::client()?, site.clock()))
            }
        };
        let mut webhooks: Webhooks = None;
        if !self.webhook_secrets.is_empty() {
            let secrets = self.webhook_secrets.clone();
            webhooks = Some(Arc::new(StripeWebhooks::new(secrets, site.clock())?));
        }
        Ok((gateway, webhooks))
    }
}

fn stripe_config(
    config: &Config,
    section: &mut Section<'_>,
    secret_key: Option<Secret>,
    base_url: Option<String>,
) -> StripeConfig {
    let secret_key = secret_key.unwrap_or_else(|| Secret::new(""));
    if !["sk_", "rk_"].iter().any(|prefix| secret_key.expose().starts_with(prefix)) {
        section.mistake("secret_key", "is the account's secret key, `sk_…`, or `rk_…`");
    }
    let base_url = base_url.unwrap_or_else(|| StripeConfig::STRIPE.to_owned());
    let base_url = base_url.trim_end_matches('/').to_owned();
    // A stand-in is a developer's; the secret key is not to travel in clear.
    let clear = base_url.starts_with("http://") && config.profile.allows_sandbox();
    if !base_url.starts_with("https://") && !clear {
        section.mistake("base_url", format!("`{base_url}` does not begin with https://"));
    }
    StripeConfig { secret_key, base_url }
}

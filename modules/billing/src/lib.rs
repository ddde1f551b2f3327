//! The billing module: the price list, subscriptions and what is invoiced for them, seats, usage,
//! and what a tenant may use.
//!
//! Each feature keeps its tables, rules and routes together. A payment provider is asked through
//! the port [`PaymentGateway`], never inside a transaction: what is intended is committed, the
//! provider is asked under a key of ours, the answer is committed; what was cut off in between is
//! finished by the completer of `subscriptions`, which asks again under the same key. What a
//! provider tells of its own accord comes in by `webhooks`.
//!
//! *Invariants*: a tenant has at most one subscription that is in force or being paid for; a
//! tenant's seats never exceed its limit by reservation; an invoice that has a number is paid.

mod accounts;
mod api;
mod catalog;
mod currency;
mod entitlements;
mod gateway;
mod http;
mod invoices;
mod metrics;
mod period;
mod scopes;
mod seats;
mod subscriptions;
mod usage;
mod webhooks;

use std::{sync::Arc, time::Duration};

use billing_api::{BillingApi, MODULE, PaymentGateway, ProviderWebhooks};
use events::Consumer;
use module::{Module, Sweep};
use storage::Store;

pub use catalog::{Catalog, CatalogError, Interval, Plan, Price, SeatLimits};

/// What the module is built from.
pub struct Dependencies {
    /// Its data, opened with its own migrations.
    pub store: Store,
    /// Who takes the money.
    pub gateway: Arc<dyn PaymentGateway>,
    /// What verifies the webhooks of the one who takes it, where they send any: the route
    /// `POST /webhooks/<provider>` is there only then.
    pub webhooks: Option<Arc<dyn ProviderWebhooks>>,
    /// What can be bought.
    pub catalog: Catalog,
    /// How it behaves.
    pub settings: Settings,
}

/// How the module behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most that the payment provider may take for an answer while a client waits. A request
    /// that has less time left gives the provider less.
    pub charge_time: Duration,
}

impl Default for Settings {
    /// 8 seconds.
    fn default() -> Self {
        Self { charge_time: Duration::from_secs(8) }
    }
}

/// Builds the module.
pub fn module(dependencies: Dependencies) -> Module {
    let Dependencies { store, gateway, webhooks, catalog, settings } = dependencies;
    let gateway = Arc::new(gateway::TracedGateway(gateway));
    let billing = Arc::new(Billing { store: store.clone(), gateway, catalog, settings });
    let api: Arc<dyn BillingApi> = Arc::clone(&billing) as _;
    metrics::begin();
    let paying = metrics::PayingTenants::told();
    let [swept, forgotten, counted, asked] = std::array::from_fn(|_| Arc::clone(&billing));
    Module::new(MODULE, store)
        .serving::<dyn BillingApi>(api)
        .consuming(Consumer::effect("billing.take_owner_seat", Arc::new(seats::OwnerSeat)))
        .consuming(Consumer::action(
            subscriptions::CompleteCharge::NAME,
            Arc::new(subscriptions::CompleteCharge::new(Arc::clone(&billing))),
        ))
        .consuming(Consumer::action(
            "billing.act_on_webhook",
            Arc::new(webhooks::ActOnNews::new(Arc::clone(&billing))),
        ))
        .sweeping(Sweep::new("billing.count_paying_tenants", metrics::COUNT_EVERY, move || {
            let (billing, paying) = (Arc::clone(&asked), Arc::clone(&paying));
            async move { billing.count_paying_tenants(&paying).await }
        }))
        .sweeping(Sweep::new("billing.forget_webhooks", webhooks::FORGET_EVERY, move || {
            let billing = Arc::clone(&forgotten);
            async move { billing.forget_webhooks().await }
        }))
        .sweeping(Sweep::new(
            "billing.look_after_claims",
            subscriptions::LOOK_AFTER_CLAIMS_EVERY,
            move || {
                let billing = Arc::clone(&swept);
                async move { billing.look_after_claims().await }
            },
        ))
        .sweeping(Sweep::new("billing.forget_usage", usage::FORGET_EVERY, move || {
            let billing = Arc::clone(&counted);
            async move { billing.forget_usage().await }
        }))
        .routes(http::routes(billing, webhooks))
}

/// The module at work. Each feature adds what it does in a file of its own.
struct Billing {
    store: Store,
    gateway: Arc<dyn PaymentGateway>,
    catalog: Catalog,
    settings: Settings,
}

impl Billing {
    const fn catalog(&self) -> &Catalog {
        &self.catalog
    }
}

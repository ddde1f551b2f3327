//! Every place where billing works outside one tenant, and why.

use storage::SystemScope;

pub(crate) static CLAIMS: SystemScope = SystemScope {
    name: "billing.claims",
    why: "claimed keys that nobody finishes are looked up for all tenants at once; what is done \
          about one is done in its tenant's scope",
};

pub(crate) static WEBHOOKS: SystemScope = SystemScope {
    name: "billing.webhooks",
    why: "what a payment provider tells is kept before it is known whose it is, and some of it is \
          nobody's; what is done about it is done in the tenant's scope",
};

pub(crate) static PAYING: SystemScope = SystemScope {
    name: "billing.paying",
    why: "how many tenants pay is counted over all of them; nothing else of them is read",
};

pub(crate) static USAGE: SystemScope = SystemScope {
    name: "billing.usage",
    why: "events that were counted long ago are forgotten for all tenants at once",
};

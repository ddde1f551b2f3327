//! Every place where billing works outside one tenant, and why.

use storage::SystemScope;

pub(crate) static CLAIMS: SystemScope = SystemScope {
    name: "billing.claims",
    why: "claimed keys that nobody finishes are looked up for all tenants at once; what is done \
          about one is done in its tenant's scope",
};

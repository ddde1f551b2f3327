//! Every place where auth works outside one tenant, and why.

use storage::SystemScope;

pub(crate) static REGISTRATION: SystemScope = SystemScope {
    name: "auth.registration",
    why: "a registration is made by nobody yet, and makes the tenant it belongs to",
};

pub(crate) static VERIFICATION: SystemScope = SystemScope {
    name: "auth.verification",
    why: "the link of a mail is followed by somebody who has not logged in",
};

pub(crate) static SIGN_IN: SystemScope = SystemScope {
    name: "auth.sign_in",
    why: "a login names an address, and the tenant follows from it; its attempts belong to none",
};

pub(crate) static REFRESH: SystemScope = SystemScope {
    name: "auth.refresh",
    why: "a refresh token is found by its hash, and the tenant follows from it",
};

pub(crate) static PEOPLE: SystemScope = SystemScope {
    name: "auth.people",
    why: "people belong to several tenants, so their names and addresses are global; read only \
          for a member's own profile, for the members of the calling tenant, and to refuse an \
          invitation of a member",
};

pub(crate) static ACCEPTANCE: SystemScope = SystemScope {
    name: "auth.acceptance",
    why: "an invitation is accepted by somebody who is no member yet",
};

pub(crate) static SWEEP: SystemScope =
    SystemScope { name: "auth.sweep", why: "what has expired is deleted for all tenants at once" };

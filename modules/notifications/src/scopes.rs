//! Every place where notifications works outside one tenant, and why.

use storage::SystemScope;

pub(crate) static RETENTION: SystemScope = SystemScope {
    name: "notifications.retention",
    why: "mails that were sent long ago are deleted for all tenants at once",
};

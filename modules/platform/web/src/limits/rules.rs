//! Which requests are limited how far.

use super::gcra::Quota;

/// What a request is limited as. Each class has buckets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitClass {
    /// Anonymous requests that cost us something each: a password hash, a mail. By address.
    Costly,
    /// Anonymous requests that tell whether a secret is right: a password, a token. By address.
    Guessable,
    /// Requests with an access token. By tenant.
    Tenant,
}

impl LimitClass {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Costly, Self::Guessable, Self::Tenant];

    /// The name in keys, in the configuration and in the headers of answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Costly => "costly",
            Self::Guessable => "guessable",
            Self::Tenant => "tenant",
        }
    }
}

/// The quota of each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRules {
    /// Of an address, in requests that cost us something.
    pub costly: Quota,
    /// Of an address, in requests that a secret can be guessed with.
    pub guessable: Quota,
    /// Of a tenant, in all of its requests.
    pub tenant: Quota,
}

impl LimitRules {
    pub(crate) const fn quota(&self, class: LimitClass) -> Quota {
        match class {
            LimitClass::Costly => self.costly,
            LimitClass::Guessable => self.guessable,
            LimitClass::Tenant => self.tenant,
        }
    }
}

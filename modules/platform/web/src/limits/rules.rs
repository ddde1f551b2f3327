//! Which requests are limited how far.

use super::gcra::Quota;

/// What a request is limited as. Each class has buckets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitClass {
    /// Anonymous requests that cost us something each: a password hash, a mail. By address.
    Costly,
    /// Anonymous requests that tell whether a secret is right that a person chose: a password. By
    /// address.
    Guessable,
    /// Anonymous requests with a secret that we made, too long to be guessed: the token of a mail or
    /// of a session. By address.
    Token,
    /// Requests with an access token. By tenant.
    Tenant,
}

impl LimitClass {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Costly, Self::Guessable, Self::Token, Self::Tenant];

    /// The name in keys, in the configuration and in the headers of answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Costly => "costly",
            Self::Guessable => "guessable",
            Self::Token => "token",
            Self::Tenant => "tenant",
        }
    }
}

/// The quota of each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRules {
    /// Of an address, in requests that cost us something.
    pub costly: Quota,
    /// Of an address, in requests that a password can be guessed with.
    pub guessable: Quota,
    /// Of an address, in requests with a token that we made.
    pub token: Quota,
    /// Of a tenant, in all of its requests.
    pub tenant: Quota,
}

impl LimitRules {
    pub(crate) const fn quota(&self, class: LimitClass) -> Quota {
        match class {
            LimitClass::Costly => self.costly,
            LimitClass::Guessable => self.guessable,
            LimitClass::Token => self.token,
            LimitClass::Tenant => self.tenant,
        }
    }
}

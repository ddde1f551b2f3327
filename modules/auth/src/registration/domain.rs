//! What a registration consists of.

use kernel::Secret;

use crate::{
    input::{Fields, Invalid},
    people::{EmailAddress, OrganizationName, Password, PersonName},
};

/// A registration whose fields keep their rules.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) email: EmailAddress,
    pub(crate) password: Password,
    pub(crate) name: PersonName,
    pub(crate) organization: OrganizationName,
}

impl Registration {
    pub(crate) fn parse(
        email: &str,
        password: &Secret,
        name: &str,
        organization: &str,
    ) -> Result<Self, Invalid> {
        let mut fields = Fields::default();
        let email = fields.take("email", EmailAddress::parse(email));
        let password = fields.take("password", Password::parse(password));
        let name = fields.take("name", PersonName::parse(name));
        let organization = fields.take("organization", OrganizationName::parse(organization));
        match (email, password, name, organization) {
            (Some(email), Some(password), Some(name), Some(organization)) => {
                Ok(Self { email, password, name, organization })
            }
            _ => Err(fields.into_invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let refused = Registration::parse("ada", &Secret::new("short"), " ", "Acme\n");
        let fields: Vec<_> =
            refused.expect_err("refused").0.into_iter().map(|error| error.field).collect();
        // A line break at the end is trimmed like any space.
        assert_eq!(fields, ["email", "password", "name"]);
    }
}

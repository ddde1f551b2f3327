//! What people and organisations are called. A value of one of these types keeps its rules; text
//! is parsed once, at the edge.

use kernel::Secret;

use crate::input::FieldRule;

/// An address that mail can be sent to, in lower case.
///
/// The local part is case-sensitive by RFC 5321 §2.4, but no provider of note makes use of it, and
/// two accounts that differ only in case would be a trap. Accepted is what the dot-string form of
/// RFC 5321 §4.1.2 allows, at a domain name of at least two labels; an internationalised domain is
/// written in its ASCII form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EmailAddress(String);

impl EmailAddress {
    pub(crate) fn parse(text: &str) -> Result<Self, FieldRule> {
        const RULE: FieldRule =
            FieldRule("must be an address such as ada@example.com, at most 254 characters");
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(RULE)?;
        if text.len() > 254 || local.len() > 64 || !is_dot_string(local) || !is_domain(domain) {
            return Err(RULE);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_dot_string(local: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    local.split('.').all(is_atom)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.split('.').count() >= 2 && domain.split('.').all(is_label)
}

/// A password that somebody chose: 8 to 128 characters of any kind, as NIST SP 800-63B asks
/// (no rules of composition, spaces and all of Unicode allowed). It is taken as it was typed.
#[derive(Clone, Debug)]
pub(crate) struct Password(Secret);

impl Password {
    /// The most characters; more would only make hashing slow.
    pub(crate) const MAX_CHARACTERS: usize = 128;

    pub(crate) fn parse(text: &Secret) -> Result<Self, FieldRule> {
        if (8..=Self::MAX_CHARACTERS).contains(&text.expose().chars().count()) {
            Ok(Self(text.clone()))
        } else {
            Err(FieldRule("must have 8 to 128 characters"))
        }
    }

    pub(crate) fn into_secret(self) -> Secret {
        self.0
    }
}

/// How somebody wants to be called: 1 to 100 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PersonName(String);

impl PersonName {
    pub(crate) fn parse(text: &str) -> Result<Self, FieldRule> {
        line(text).map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an organisation is called: 1 to 100 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrganizationName(String);

impl OrganizationName {
    pub(crate) fn parse(text: &str) -> Result<Self, FieldRule> {
        line(text).map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names end up in the headers of mails, so a line break in one is refused and not repaired.
fn line(text: &str) -> Result<String, FieldRule> {
    let text = text.trim();
    if !(1..=100).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        return Err(FieldRule("must be one line of 1 to 100 characters"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_address(text: &str, expected: Option<&str>) {
        let parsed = EmailAddress::parse(text).ok();
        assert_eq!(parsed.as_ref().map(EmailAddress::as_str), expected, "{text:?}");
    }

    #[test]
    fn addresses_are_normalised() {
        check_address("  Ada.Lovelace+news@Example.COM ", Some("ada.lovelace+news@example.com"));
        check_address("o'brien@sub.example.co.uk", Some("o'brien@sub.example.co.uk"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@example..com",
            "ada@-example.com",
            ".ada@example.com",
            "a..da@example.com",
            "ada lovelace@example.com",
            "ada@exa mple.com",
            "ada\r\nbcc: eve@example.com",
            "\"ada\"@example.com",
            "ada@eve@example.com",
            "ада@example.com",
        ] {
            check_address(text, None);
        }
        check_address(&format!("{}@example.com", "a".repeat(65)), None);
        check_address(&format!("a@{}com", "label.".repeat(50)), None);
    }

    #[track_caller]
    fn check_password(text: &str, accepted: bool) {
        assert_eq!(Password::parse(&Secret::new(text)).is_ok(), accepted, "{text:?}");
    }

    #[test]
    fn passwords_are_counted_in_characters() {
        check_password("1234567", false);
        check_password("пароль д", true);
        check_password(&"ж".repeat(128), true);
        check_password(&"a".repeat(129), false);
    }

    proptest! {
        #[test]
        fn an_address_survives_being_parsed_again(text in "[ a-zA-Z0-9.+@-]{0,40}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
                prop_assert_eq!(address.as_str(), address.as_str().to_lowercase());
            }
        }

        #[test]
        fn a_name_is_one_line(text in "\\PC{0,120}|[\\x00-\\x7f]{0,20}") {
            if let Ok(name) = PersonName::parse(&text) {
                prop_assert!(!name.as_str().contains(['\r', '\n', '\0']));
                prop_assert_eq!(name.as_str(), text.trim());
            }
        }
    }
}

//! The language of the reader.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

/// The language the end user reads, as a BCP 47 tag of at most 35 characters (RFC 5646 §4.4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Locale(Arc<str>);

impl Locale {
    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Locale {
    /// What is no tag becomes the default, `en`.
    fn from(tag: String) -> Self {
        let well_formed = !tag.is_empty()
            && tag.len() <= 35
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if well_formed { Self(tag.into()) } else { Self::default() }
    }
}

impl Default for Locale {
    fn default() -> Self {
        static ENGLISH: OnceLock<Arc<str>> = OnceLock::new();
        Self(Arc::clone(ENGLISH.get_or_init(|| "en".into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tag_becomes_the_default() {
        let longest = "a".repeat(35);
        for tag in ["de", "de-CH-1996", longest.as_str()] {
            assert_eq!(Locale::from(tag.to_owned()).as_str(), tag);
        }
        for wrong in ["", "de_CH", "de\r\n", &"a".repeat(36)] {
            assert_eq!(Locale::from(wrong.to_owned()), Locale::default(), "{wrong}");
        }
    }
}

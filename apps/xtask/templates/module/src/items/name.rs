/// The longest name, in characters.
const LONGEST: usize = 100;

/// What people call a {{item words}}: one line of 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct {{Item}}Name(String);

/// What a name has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is one line of 1 to {LONGEST} characters")]
pub(crate) struct NameRule;

impl {{Item}}Name {
    /// Reads a name; spaces around it do not count.
    pub(crate) fn parse(text: &str) -> Result<Self, NameRule> {
        let text = text.trim();
        let length = text.chars().count();
        let ends_a_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if length == 0 || length > LONGEST || text.contains(ends_a_line) {
            return Err(NameRule);
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_text() {
        let longest = "é".repeat(LONGEST);
        for (text, name) in [("A", "A"), ("  two words ", "two words"), (&longest, &longest)] {
            let parsed = {{Item}}Name::parse(text).expect("a name");
            assert_eq!(parsed.as_str(), name);
        }
        let too_long = "é".repeat(LONGEST + 1);
        for text in ["", "   ", "two\nlines", "two\u{2028}lines", &too_long] {
            assert_eq!({{Item}}Name::parse(text), Err(NameRule), "{text:?}");
        }
    }
}

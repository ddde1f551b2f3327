//! Text that strangers wrote, made fit for a line and for HTML.

use std::borrow::Cow;

/// The most characters of a name that are shown: a name is no place for a message.
pub(crate) const NAME: usize = 80;
/// The most characters of a subject.
pub(crate) const SUBJECT: usize = 200;

/// `text` as one line of at most `most` characters: without control characters, so that no header
/// or paragraph can be added, and without marks that turn the direction of what follows.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let visible = text.split(|c: char| c.is_whitespace() || is_unfit(c));
    let line = visible.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let mut cut: String = line.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Controls, and the explicit directional formatting of UAX #9, table 1.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` as HTML text or as a quoted attribute's value.
pub(crate) fn escape_html(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_header_cannot_be_smuggled_in() {
        let name = "Eve\r\nBcc: all@example.com\u{2028}\u{202e}x\u{0}";
        assert_eq!(one_line(name, NAME), "Eve Bcc: all@example.com x");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcde…");
    }

    proptest! {
        #[test]
        fn a_line_is_one_line_within_its_bound(text in any::<String>(), most in 1_usize..300) {
            let line = one_line(&text, most);
            prop_assert!(line.chars().count() <= most);
            let breaks = |c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}';
            prop_assert!(!line.contains(breaks));
        }

        #[test]
        fn escaped_text_opens_no_tag_and_ends_no_attribute(text in any::<String>()) {
            let escaped = escape_html(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
                .replace("&#39;", "'").replace("&amp;", "&");
            prop_assert_eq!(back, text);
        }
    }
}

//! What a message says, without the values in it.

/// Of a text longer than this the rest is not looked at, in bytes.
const MOST_READ: usize = 8_192;

/// Of a shape longer than this the rest is left out, in characters.
const LONGEST: usize = 256;

/// Words longer than this are not for people to read, in characters.
const LONGEST_WORD: usize = 40;

/// Stands for a value, and for a list of them.
const VALUE: char = '#';

/// `text` with `#` for each value in it: what is in quotes or behind an `=`, every word with a digit or
/// an `@` in it (numbers, ids, dates, addresses), every word of more than 40 characters, and the query
/// of a URL. At most 256 characters.
///
/// Two texts of the same shape say the same of different things. What a person wrote without quotes is
/// not recognised.
#[must_use]
pub fn shape(text: &str) -> String {
    let mut shape = Shape::default();
    let mut rest = &text[..boundary(text)];
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' | '`' | '“' => shape.quoted(rest, first),
            '=' | '?' => shape.given(rest, first),
            _ if is_of_word(first) => shape.word(rest),
            _ => shape.other(first),
        };
        rest = &rest[end..];
    }
    let said = shape.said.trim_end();
    match said.char_indices().nth(LONGEST) {
        Some((end, _)) => said[..end].to_owned(),
        None => said.to_owned(),
    }
}

#[derive(Default)]
struct Shape {
    said: String,
}

/// Each says how many bytes of what is left it has dealt with.
impl Shape {
    fn quoted(&mut self, rest: &str, quote: char) -> usize {
        // As in `don't`.
        let is_apostrophe = quote == '\'' && self.said.ends_with(char::is_alphanumeric);
        let inside = &rest[quote.len_utf8()..];
        let closing = if quote == '“' { '”' } else { quote };
        match closed(inside, closing) {
            Some(end) if !is_apostrophe => {
                self.value();
                quote.len_utf8() + end
            }
            // The end of it was left out.
            None if quote == '"' => {
                self.value();
                rest.len()
            }
            _ => self.other(quote),
        }
    }

    /// What is behind an `=` is somebody's, and so is all of a query.
    fn given(&mut self, rest: &str, mark: char) -> usize {
        let inside = &rest[1..];
        let end = match mark {
            '?' => inside.find(char::is_whitespace),
            _ => inside.find(|of: char| !is_of_word(of)),
        };
        let end = end.unwrap_or(inside.len());
        self.said.push(mark);
        if end > 0 {
            self.value();
        }
        1 + end
    }

    fn word(&mut self, rest: &str) -> usize {
        let end = rest.find(|of: char| !is_of_word(of)).unwrap_or(rest.len());
        // The last point ends a sentence.
        let word = rest[..end].trim_end_matches(['.', '-']);
        if word.is_empty() {
            return rest.chars().next().map_or(rest.len(), |point| self.other(point));
        }
        let is_value = word.chars().any(|of| of.is_numeric() || of == '@')
            || word.chars().count() > LONGEST_WORD;
        match is_value {
            true => self.value(),
            false => self.said.push_str(word),
        }
        word.len()
    }

    fn other(&mut self, character: char) -> usize {
        match character.is_whitespace() || character.is_control() {
            true if self.said.is_empty() || self.said.ends_with(' ') => {}
            true => self.said.push(' '),
            false => self.said.push(character),
        }
        character.len_utf8()
    }

    /// One more of a list makes no difference.
    fn value(&mut self) {
        let listed = self.said.trim_end_matches([' ', ',', ';', ':', '/', '-', '.']).len();
        if self.said[..listed].ends_with(VALUE) {
            self.said.truncate(listed);
        } else {
            self.said.push(VALUE);
        }
    }
}

fn boundary(text: &str) -> usize {
    let most = text.len().min(MOST_READ);
    (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default()
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || "_-.@+%~".contains(character)
}

/// Where what is in quotes has ended, its closing quote included.
fn closed(inside: &str, closing: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        if character == closing && !escaped {
            return Some(at + character.len_utf8());
        }
        escaped = character == '\\' && !escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_taken_out_and_words_are_left() {
        for (text, expected) in [
            (
                "index out of bounds: the len is 3 but the index is 17",
                "index out of bounds: the len is # but the index is #",
            ),
            ("charge 0190c6a4-0000-7000-8000-000000000001 is gone.", "charge # is gone."),
            ("no user `ada` here", "no user # here"),
            (
                r#"called `Result::unwrap()` on an `Err` value: Parse("x \" y")"#,
                "called # on an # value: Parse(#)",
            ),
            (r#"it was cut: "and nobody clos"#, "it was cut: #"),
            ("mail to ada@example.com failed", "mail to # failed"),
            (
                "GET http://billing/v1/usage?from=monday&who=ada failed",
                "GET http://billing/#/usage?# failed",
            ),
            ("token=secret was refused", "token=# was refused"),
            ("we don't know what it's for", "we don't know what it's for"),
            ("at 127.0.0.1:5432, 10.0.0.1:5432", "at #"),
            ("left are [1, 2, 3]", "left are [#]"),
            ("  two\r\n lines ", "two lines"),
            ("", ""),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
        assert_eq!(shape(&"eyJhbGciOi".repeat(5)), "#");
    }

    proptest! {
        #[test]
        fn any_text_has_a_bounded_shape(text: String) {
            prop_assert!(shape(&text).chars().count() <= LONGEST);
        }

        #[test]
        fn a_shape_is_its_own_shape(text in "[a-z ]{0,60}") {
            prop_assert_eq!(shape(&shape(&text)), shape(&text));
        }

        #[test]
        fn values_make_no_difference(
            numbers: (u64, u64),
            ids: (u128, u128),
            names in ("[^`\\\\]{0,400}", "[^`\\\\]{0,400}"),
        ) {
            let said = |number: u64, id: u128, name: &str| {
                let id = format!("{:08x}-{:04x}-7000-8000-{:012x}", id as u32, id as u16, id >> 80);
                shape(&format!("row {number} of `{name}` ({id}) took {number}.5 ms"))
            };
            prop_assert_eq!(said(numbers.0, ids.0, &names.0), said(numbers.1, ids.1, &names.1));
        }
    }
}

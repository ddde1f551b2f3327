//! What deserialization errors say to a client: where, and what was expected. Not what was found,
//! since that may be a password in the wrong place, and answers end up in logs.

use serde_path_to_error::{Path, Segment};

/// A JSON pointer as a fragment (RFC 6901 §6, without the percent-encoding).
pub(crate) fn pointer(path: &Path) -> String {
    let mut pointer = String::from("#");
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer.push_str(variant),
            // The place of a key that could not be read: the last one that is known is named.
            Segment::Unknown => {
                pointer.pop();
            }
        }
    }
    pointer
}

/// Takes the found value out of a message of serde.
pub(crate) fn explain(message: &str) -> String {
    let quotes_a_value =
        ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "]
            .iter()
            .any(|start| message.starts_with(start));
    if !quotes_a_value {
        return message.to_owned();
    }
    // The last one: what was found may contain these words too, what was expected does not.
    match message.rsplit_once(", expected ") {
        // The names of our types are nobody's business.
        Some((_, expected)) if expected.starts_with("struct ") => "expected an object".to_owned(),
        Some((_, expected)) => format!("expected {expected}"),
        None => "not a value that is taken here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_was_expected_and_not_what_was_found() {
        for (message, explained) in [
            (r#"invalid type: string "hunter2", expected u32"#, "expected u32"),
            (r#"invalid type: string "a, expected b", expected u32"#, "expected u32"),
            ("invalid value: integer `-1`, expected u32", "expected u32"),
            ("unknown variant `hunter2`, expected `a` or `b`", "expected `a` or `b`"),
            ("unknown variant `hunter2`, there are no variants", "not a value that is taken here"),
            ("invalid type: map, expected struct Login", "expected an object"),
            ("invalid length 0, expected struct Login with 2 elements", "expected an object"),
            ("missing field `email`", "missing field `email`"),
            ("unknown field `emial`, expected `email`", "unknown field `emial`, expected `email`"),
            ("at most 100 characters", "at most 100 characters"),
        ] {
            assert_eq!(explain(message), explained);
        }
    }
}

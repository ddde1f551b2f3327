//! Errors as people read them: with what caused them.

use std::{error::Error, iter::successors};

/// What an error says and then what its causes say, the nearest first, joined by `: `. The last of
/// these is what happened.
#[must_use]
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = texts(error).collect();
    texts.join(": ")
}

/// [`with_causes`] of errors of which some repeat their causes in their own text, as those of database
/// and broker libraries do: nothing is said twice.
#[must_use]
pub fn said_once(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = each_said_once(error).collect();
    texts.join(": ")
}

/// The texts that [`said_once`] joins: the error's own, and those of its causes that say something new.
pub fn each_said_once(error: &(dyn Error + 'static)) -> impl Iterator<Item = String> {
    let mut last: Option<String> = None;
    texts(error).filter(move |text| {
        let is_new = last.as_ref().is_none_or(|last| !last.ends_with(text.as_str()));
        if is_new {
            last = Some(text.clone());
        }
        is_new
    })
}

fn texts(error: &(dyn Error + 'static)) -> impl Iterator<Item = String> {
    successors(Some(error), |&error| error.source()).map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    /// The first of `texts` caused by the second, and so on.
    fn chain(texts: &[&'static str]) -> Link {
        let [text, causes @ ..] = texts else { panic!("an error says something") };
        let source = (!causes.is_empty()).then(|| Box::new(chain(causes)));
        Link { text, source }
    }

    #[test]
    fn an_error_is_told_with_all_of_its_causes() {
        assert_eq!(with_causes(&chain(&["alone"])), "alone");
        let error = chain(&["the mail was not sent", "no answer", "no answer"]);
        assert_eq!(with_causes(&error), "the mail was not sent: no answer: no answer");
    }

    #[test]
    fn what_was_said_before_is_left_out() {
        assert_eq!(said_once(&chain(&[""])), "");
        let error = chain(&["not stored", "Execution Error: no such table", "no such table"]);
        assert_eq!(said_once(&error), "not stored: Execution Error: no such table");
        let error = chain(&["a: b", "b", "c", "c", "b"]);
        assert_eq!(said_once(&error), "a: b: c: b");
        assert_eq!(each_said_once(&error).collect::<Vec<_>>(), ["a: b", "c", "b"]);
    }
}

//! What is wrong with an answer.

use std::collections::BTreeSet;

use xtask::observability::promql;

use super::questions::{Expected, Question};

/// What was said within some time: each series with each of its values.
pub(super) type Answer = BTreeSet<(String, String)>;

const NO_NUMBER: &str = "NaN";

/// What is wrong with what was answered under load, `busy`, after the answer was `idle` without;
/// `None` where nothing is.
pub(super) fn judge(question: &Question, idle: &Answer, busy: &Answer) -> Option<&'static str> {
    let is_number = |(_, value): &&(String, String)| value != NO_NUMBER;
    match question.expected {
        Expected::Nothing if !busy.is_empty() => Some("has data, against all expectation"),
        Expected::Nothing => None,
        _ if busy.is_empty() => Some("has no data"),
        _ if !busy.iter().any(|point| is_number(&point)) => Some("has no number, only NaN"),
        Expected::Change if busy.iter().filter(is_number).all(|point| idle.contains(point)) => {
            Some("shows the same as without load")
        }
        _ if lacks_a_label(&question.query.expr, busy) => {
            Some("keeps apart what has no such label")
        }
        Expected::Change | Expected::Data => None,
    }
}

/// Whether a sum is by a label that no series has: there would be an answer all the same.
fn lacks_a_label(expr: &str, answer: &Answer) -> bool {
    let has = |label: &str| {
        let label = format!("\"{label}\":");
        answer.iter().any(|(series, _)| series.contains(&label))
    };
    promql::kept_apart(expr).into_iter().any(|label| !has(label))
}

#[cfg(test)]
mod tests {
    use xtask::observability::Query;

    use super::*;

    fn answer<const N: usize>(points: [(&str, &str); N]) -> Answer {
        points.map(|(series, value)| (series.to_owned(), value.to_owned())).into()
    }

    fn check<const N: usize>(expected: Expected, busy: [(&str, &str); N], said: Option<&str>) {
        let question = Question { query: Query::new("here", "a"), expected };
        assert_eq!(judge(&question, &answer([("a", "0")]), &answer(busy)), said, "{expected:?}");
    }

    #[test]
    fn what_is_not_there_is_found() {
        check(Expected::Change, [], Some("has no data"));
        check(Expected::Data, [], Some("has no data"));
        check(Expected::Nothing, [], None);
        check(Expected::Nothing, [("a", "0")], Some("has data, against all expectation"));
    }

    #[test]
    fn what_is_no_number_is_found() {
        check(Expected::Change, [("a", "NaN"), ("b", "NaN")], Some("has no number, only NaN"));
        check(Expected::Data, [("a", "NaN"), ("b", "0")], None);
    }

    #[test]
    fn a_label_that_nothing_has_is_found() {
        let query = Query::new("here", "sum by (module) (a)");
        let question = Question { query, expected: Expected::Data };
        let said = |series| judge(&question, &Answer::new(), &answer([(series, "1")]));
        assert_eq!(said("{\"module\":\"auth\"}"), None);
        assert_eq!(said("{}"), Some("keeps apart what has no such label"));
    }

    #[test]
    fn what_never_changes_is_found() {
        let same = Some("shows the same as without load");
        check(Expected::Change, [("a", "0")], same);
        check(Expected::Change, [("a", "0"), ("b", "NaN")], same);
        check(Expected::Change, [("a", "0"), ("a", "1")], None);
        check(Expected::Change, [("b", "0")], None);
        check(Expected::Data, [("a", "0")], None);
    }
}

//! What is asked, and what is expected of the answers.

use xtask::observability::{self, Kind, Query, promql};

use super::MODULES;

/// A query, and what its answer must be like.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) query: Query,
    pub(super) expected: Expected,
}

/// What an answer must be like under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// There, and at some time another than without load.
    Change,
    /// There.
    Data,
    /// Not there, which is right.
    Nothing,
}

/// Panels that rightly show the same whatever happens.
const STEADY: [(&str, &str); 3] = [
    ("overview: Programs", "all of them are up"),
    ("overview: Versions", "nobody deploys"),
    ("events: Tables that are seen", "there are as many modules as before"),
];

/// Panels of one module that rightly have nothing to show.
const EMPTY: [(&str, &str); 1] =
    [("module (billing): Calls made", "billing asks nothing of other modules")];

/// What there is only where a module is called in another process.
const OVER_HTTP: [(&str, Expected, &str); 4] = [
    ("ashlar_breaker_open", Expected::Nothing, "nobody is called that may be away"),
    ("ashlar_port_retries_total", Expected::Data, "a direct call is not sent again"),
    ("ashlar_port_request_size_bytes_total", Expected::Data, "a direct call has no bytes"),
    ("ashlar_port_response_size_bytes_total", Expected::Data, "a direct call has no bytes"),
];

/// All that dashboards and rules ask of a shape with these modules `extracted`.
pub(super) fn questions(extracted: &[&str]) -> anyhow::Result<Vec<Question>> {
    let (dashboards, rules) = observability::of_workspace()?;
    let mut questions = Vec::new();
    let modules = |_: &str| MODULES.map(str::to_owned).into();
    for dashboard in &dashboards {
        let queries = dashboard.queries(modules)?.into_iter();
        questions.extend(queries.map(|query| Question { query, expected: Expected::Change }));
        for variable in dashboard.variables() {
            let place = format!("{}: ${}", dashboard.name, variable.name);
            let values = variable.label_values()?.map(|(series, label)| {
                let query = Query::new(place, format!("count by ({label}) ({series})"));
                Question { query, expected: Expected::Data }
            });
            questions.extend(values);
        }
    }
    for rule in &rules {
        let place = format!("{}: {}", rule.file, rule.name);
        let asked = promql::operands(&rule.expr).into_iter();
        let recorded = (rule.kind == Kind::Records).then_some(rule.name.as_str());
        questions.extend(asked.chain(recorded).map(|expr| Question {
            query: Query::new(place.clone(), expr),
            expected: Expected::Data,
        }));
    }
    for question in &mut questions {
        question.expected = except(question, extracted);
    }
    Ok(questions)
}

fn except(question: &Question, extracted: &[&str]) -> Expected {
    let Query { place, expr } = &question.query;
    let is_here = |(known, _): &(&str, &str)| *known == place;
    if EMPTY.iter().any(is_here) {
        return Expected::Nothing;
    }
    if STEADY.iter().any(is_here) {
        return Expected::Data;
    }
    let metrics = promql::metrics(expr);
    let only_over_http = OVER_HTTP.iter().find(|(metric, ..)| metrics.contains(metric));
    match only_over_http {
        Some((_, expected, _)) if extracted.is_empty() => *expected,
        _ => question.expected,
    }
}

//! A trace without what is another in each shape.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::collector::Seen;

/// Modules, as `peer.service` names them.
const MODULES: [&str; 3] = ["auth", "billing", "notifications"];

/// Spans by what they are part of.
type Parts<'a> = BTreeMap<u64, Vec<&'a Seen>>;

/// The trace as an indented outline of names and kinds, in which neither ids nor times are, nor the
/// order of what went on at the same time. What brings a request or a call from one program to another
/// is left out: the span that waits for another program, and the one that answers it for the sake of
/// the way alone.
///
/// # Errors
/// A span that came twice, one whose parent did not come, a second root.
pub(crate) fn outline(spans: &[Seen], client: u64) -> anyhow::Result<String> {
    let ids: BTreeSet<u64> = spans.iter().map(|span| span.id).collect();
    ensure!(ids.len() == spans.len(), "a span came twice");
    let mut parts = Parts::new();
    for span in spans {
        ensure!(span.parent == client || ids.contains(&span.parent), "an orphan: {span:#?}");
        parts.entry(span.parent).or_default().push(span);
    }
    let roots = drawn(client, &parts, 0)?;
    ensure!(roots.len() == 1, "more than one root:\n{}", roots.concat());
    Ok(roots.concat())
}

/// What is part of `parent`, each with what is part of it.
fn drawn(parent: u64, parts: &Parts<'_>, depth: usize) -> anyhow::Result<Vec<String>> {
    let mut outlines = Vec::new();
    for span in within(parent, parts) {
        if is_the_way(span, parts)? {
            outlines.extend(drawn(span.id, parts, depth)?);
        } else {
            let own = format!("{}{} ({:?})\n", "  ".repeat(depth), span.name, span.kind);
            outlines.push(own + &drawn(span.id, parts, depth + 1)?.concat());
        }
    }
    outlines.sort();
    Ok(outlines)
}

/// Whether `span` is there since a request or a call goes from one program to another.
fn is_the_way(span: &Seen, parts: &Parts<'_>) -> anyhow::Result<bool> {
    let leads_on = |span: &Seen| {
        let peer = span.attributes.get("peer.service");
        span.kind == SpanKind::Client && peer.is_some_and(|peer| MODULES.contains(&peer.as_str()))
    };
    if leads_on(span) {
        for there in within(span.id, parts) {
            ensure!(there.kind == SpanKind::Server, "nobody answers {span:#?} in {there:#?}");
        }
        return Ok(true);
    }
    let is_a_call = span.name.starts_with("POST /internal/");
    let is_passed_on = || within(span.id, parts).any(|part| part.name.starts_with("pass on to "));
    Ok(span.kind == SpanKind::Server && (is_a_call || is_passed_on()))
}

fn within<'a>(parent: u64, parts: &'a Parts<'_>) -> impl Iterator<Item = &'a Seen> {
    parts.get(&parent).into_iter().flatten().copied()
}

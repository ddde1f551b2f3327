//! One trace as a waterfall.

use std::time::{Duration, SystemTime};

use maud::{Markup, html};
use telemetry::{FinishedSpan, Kind, Note, Value};

use super::{
    Statements,
    recent::Trace,
    tree::{Row, rows},
};
use crate::{
    Parts,
    format::{count, moment, took},
};

/// How far bars reach in their own units.
const WIDE: f64 = 1_000.0;
/// A bar that is narrower could not be seen.
const NARROWEST: f64 = 3.0;
/// Deeper spans are not moved further to the right.
const DEEPEST: usize = 12;

/// From when to when bars are drawn.
#[derive(Clone, Copy)]
struct Axis {
    from: SystemTime,
    length: Duration,
}

pub(super) fn draw(parts: &Parts, trace: &Trace, statements: Statements) -> Markup {
    let (Some(entry), Some(summary)) = (trace.entry(), trace.summary()) else {
        return html! { h1 { "Trace" } p { "None of its spans was kept." } };
    };
    let first = trace.spans.iter().map(|span| span.began).min().unwrap_or(entry.began);
    let end = trace.end().unwrap_or(entry.began);
    let axis = Axis { from: first, length: end.duration_since(first).unwrap_or_default() };
    html! {
        h1 { (summary.name) }
        dl.facts {
            div { dt { "Trace" } dd { code { (format!("{:032x}", trace.id)) } } }
            div { dt { "Began" } dd { (moment(summary.began)) " UTC" } }
            div { dt { "Took" } dd { (took(summary.took)) } }
            div { dt { "To its last span" } dd { (took(summary.whole)) } }
            @if let Some(status) = summary.status { div { dt { "Status" } dd { (status) } } }
            div { dt { "Spans" } dd { (summary.spans) } }
        }
        (elsewhere(parts, trace, entry))
        @if trace.left_out > 0 {
            p.note { (count(trace.left_out as u64, "span was", "spans were")) " left out: there were too many." }
        }
        (toggle(trace, statements))
        div.scale aria-hidden="true" {
            span { "0" }
            @for quarter in 1..=4_u32 { span { (took(axis.length * quarter / 4)) } }
        }
        ol.waterfall aria-label="Spans, each below the one that it is part of" {
            @for row in rows(&trace.spans) {
                @if statements == Statements::Shown || !is_statement(row.span) { (draw_row(row, axis)) }
            }
        }
    }
}

/// Nothing is part of one, so that one can be left out by itself.
fn is_statement(span: &FinishedSpan) -> bool {
    span.attribute("db.system.name").is_some()
}

fn toggle(trace: &Trace, statements: Statements) -> Markup {
    let many = trace.spans.iter().filter(|span| is_statement(span)).count();
    let path = format!("/dashboard/traces/{:032x}", trace.id);
    html! {
        @if many > 0 {
            p {
                @match statements {
                    Statements::Shown => a #statements href=(format!("{path}?statements=hidden")) { "Hide statements" },
                    Statements::Hidden => a #statements href=(path) { "Show statements" },
                }
                " (" (many) ")"
            }
        }
    }
}

/// Says where the rest of a trace is that is not this program's alone.
fn elsewhere(parts: &Parts, trace: &Trace, entry: &FinishedSpan) -> Markup {
    let mut peers: Vec<&str> = trace
        .spans
        .iter()
        .filter_map(|span| match span.attribute("peer.service") {
            Some(Value::Text(peer)) => Some(peer.as_str()),
            _ => None,
        })
        .filter(|peer| parts.pages_of(peer).is_some())
        .collect();
    peers.sort_unstable();
    peers.dedup();
    let is_continued = entry.parent.is_some_and(|parent| parent.is_remote);
    html! {
        @if is_continued || !peers.is_empty() {
            p.note {
                "These are the spans of " (parts.program) " alone."
                @if is_continued { " The trace began in another program, or at its client." }
                @for peer in peers {
                    " It went on in " (peer)
                    @for page in parts.pages_of(peer).unwrap_or_default() {
                        @let page = page.trim_end_matches('/');
                        " (" a href=(format!("{page}/dashboard/traces/{:032x}", trace.id)) { "its part" } ")"
                    }
                    "."
                }
            }
        }
    }
}

fn draw_row(row: Row<'_>, axis: Axis) -> Markup {
    let Row { span, depth } = row;
    let id = format!("s{:016x}", span.span_id);
    html! {
        li id=(id) .(format!("depth-{}", depth.min(DEEPEST))) .failed[span.error().is_some()] {
            details id=(format!("d{id}")) {
                summary id=(format!("b{id}")) {
                    span.name {
                        span.hidden { "Level " (depth + 1) ": " }
                        (span.name)
                        @if span.error().is_some() { " " span.mark.bad { "failed" } }
                    }
                    span.kind { (kind(span.kind)) }
                    span.took { (took(span.took)) }
                    (bar(span, axis))
                }
                dl.attributes {
                    @for (name, value) in &span.attributes { dt { (name) } dd { (text(value)) } }
                    dt { "began" } dd { (took(span.began.duration_since(axis.from).unwrap_or_default())) " after the first" }
                    @for note in &span.notes { (draw_note(note)) }
                }
            }
        }
    }
}

fn bar(span: &FinishedSpan, axis: Axis) -> Markup {
    let share = |duration: Duration| {
        WIDE * duration.as_secs_f64() / axis.length.as_secs_f64().max(f64::MIN_POSITIVE)
    };
    let after = span.began.duration_since(axis.from).unwrap_or_default();
    let width = share(span.took).clamp(NARROWEST, WIDE);
    let x = share(after).clamp(0.0, WIDE - width);
    html! {
        svg.(kind(span.kind)) viewBox=(format!("0 0 {WIDE} 10")) preserveAspectRatio="none" aria-hidden="true" {
            rect x=(format!("{x:.1}")) y="0" width=(format!("{width:.1}")) height="10" {}
        }
    }
}

fn draw_note(note: &Note) -> Markup {
    html! {
        dt { (note.level.to_lowercase()) " after " (took(note.after)) }
        dd {
            (note.message)
            @for (name, value) in &note.fields { " " (name) "=" (text(value)) }
        }
    }
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Internal => "internal",
        Kind::Server => "server",
        Kind::Client => "client",
        Kind::Producer => "producer",
        Kind::Consumer => "consumer",
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(value) => value.clone(),
    }
}

//! The map as a picture.

use maud::{Markup, html};

use super::{
    Edge, Kind,
    curve::{Curve, is_between, round},
    layout::{HALF, Layout, Node, Point, WIDTH},
    mean,
};
use crate::{Parts, format::per_second};

/// How far an edge swings out, so that the one that comes back has room; a second one of the same
/// ends swings further.
const SWING: f64 = 34.0;
const SWING_FURTHER: f64 = 74.0;

/// Modules of this program within its frame, the others beside it, and what goes between them.
pub(super) fn map(parts: &Parts, edges: &[Edge]) -> Markup {
    let layout = Layout::of(parts, edges);
    let label = format!("{} and the modules that it calls", parts.program);
    let ways = ways(&layout.nodes, edges);
    let (width, height) = (layout.frame - 8.0, layout.height - 16.0);
    html! {
        svg.map viewBox=(format!("0 0 {WIDTH} {}", layout.height)) role="img" aria-label=(label) {
            defs {
                marker #arrow viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse" {
                    path d="M0 0 10 5 0 10z" {}
                }
            }
            rect.frame x="8" y="8" width=(width) height=(height) rx="10" {}
            text.program x="24" y="32" { (parts.program) " · this process" }
            @for (edge, curve) in &ways { (draw_way(edge, curve)) }
            // Upon all lines, so that none goes through a number.
            @for (edge, curve) in &ways { (draw_label(edge, curve)) }
            @for node in &layout.nodes { (draw_node(node)) }
        }
        ul.legend {
            @for kind in [Kind::Calls, Kind::Events] {
                li {
                    svg.(kind.name()) viewBox="0 0 32 10" aria-hidden="true" { line x1="0" y1="5" x2="32" y2="5" {} }
                    (kind.name()) ", with how many a second and their mean duration"
                }
            }
        }
    }
}

fn draw_node(node: &Node<'_>) -> Markup {
    let Point { x, y } = node.at;
    html! {
        g.node .(node.class) {
            rect x=(x - HALF.x) y=(y - HALF.y) width=(2.0 * HALF.x) height=(2.0 * HALF.y) rx="6" {}
            text.name x=(x) y=(y - 3.0) { (node.name) }
            text.note x=(x) y=(y + 14.0) { (node.note) }
        }
    }
}

/// The edges between modules of the map. What a module sends to itself is in the table.
fn ways<'a>(nodes: &[Node<'_>], edges: &'a [Edge]) -> Vec<(&'a Edge, Curve)> {
    let find = |name: &str| nodes.iter().find(|node| node.name == name).map(|node| node.at);
    let ways = edges.iter().enumerate().filter_map(|(position, edge)| {
        let (from, to) = (find(&edge.from)?, find(&edge.to)?);
        let is_like = |other: &Edge| (&other.from, &other.to) == (&edge.from, &edge.to);
        let swing = if edges[..position].iter().any(is_like) { SWING_FURTHER } else { SWING };
        let is_passed = nodes.iter().any(|node| is_between(node.at, from, to));
        let swing = if is_passed { swing + HALF.x } else { swing };
        (from != to).then(|| (edge, Curve::between(from, to, swing)))
    });
    ways.collect()
}

fn draw_way(edge: &Edge, curve: &Curve) -> Markup {
    html! {
        g.edge .(edge.kind.name()) .quiet[edge.count == 0] .failing[edge.failures > 0] {
            path d=(curve.path()) marker-end="url(#arrow)" {}
        }
    }
}

fn draw_label(edge: &Edge, curve: &Curve) -> Markup {
    let Point { x, y } = curve.label();
    html! {
        @if edge.count > 0 {
            g.edge .(edge.kind.name()) .failing[edge.failures > 0] {
                text x=(round(x)) y=(round(y)) text-anchor=(curve.side()) {
                    (per_second(edge.per_second)) " · " (mean(edge))
                }
            }
        }
    }
}

//! The map as a picture.

use maud::{Markup, html};

use super::{Edge, Kind, mean};
use crate::{Parts, Place, format::per_second};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 400.0;
/// Of a module's box, halved.
const HALF: Point = Point { x: 84.0, y: 26.0 };
/// How far an edge swings out, so that the one that comes back has room; a second one of the same
/// ends swings further.
const SWING: f64 = 34.0;
const SWING_FURTHER: f64 = 74.0;
/// How far up and down modules are from the middle.
const RADIUS_Y: f64 = 112.0;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    x: f64,
    y: f64,
}

struct Node<'a> {
    name: &'a str,
    note: String,
    class: &'static str,
    at: Point,
}

/// Modules of this program within its frame, the others beside it, and what goes between them.
pub(super) fn map(parts: &Parts, edges: &[Edge]) -> Markup {
    let nodes = nodes(parts, edges);
    let frame = frame(parts);
    let label = format!("{} and the modules that it calls", parts.program);
    html! {
        svg.map viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(label) {
            defs {
                marker #arrow viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse" {
                    path d="M0 0 10 5 0 10z" {}
                }
            }
            rect.frame x="8" y="8" width=(frame - 8.0) height=(HEIGHT - 16.0) rx="10" {}
            text.program x="24" y="32" { (parts.program) " · this process" }
            @for (position, edge) in edges.iter().enumerate() {
                @let is_second = edges[..position].iter().any(|other| (&other.from, &other.to) == (&edge.from, &edge.to));
                (draw_edge(&nodes, edge, if is_second { SWING_FURTHER } else { SWING }))
            }
            @for node in &nodes { (draw_node(node)) }
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

/// Where the frame of the program ends to the right.
fn frame(parts: &Parts) -> f64 {
    let is_alone = parts.modules.iter().all(|module| module.place == Place::Here);
    if is_alone { WIDTH - 8.0 } else { 640.0 }
}

fn nodes<'a>(parts: &'a Parts, edges: &[Edge]) -> Vec<Node<'a>> {
    let mut here = Vec::new();
    let mut elsewhere = Vec::new();
    for module in &parts.modules {
        match &module.place {
            Place::Here => here.push((module.name, "local".to_owned(), "local")),
            Place::Elsewhere { calls, .. } => {
                let others = calls.len().saturating_sub(1);
                let more = if others > 0 { format!(" +{others}") } else { String::new() };
                let address = calls.first().map_or("", |url| address(url));
                elsewhere.push((module.name, format!("{address}{more}"), "remote"));
            }
        }
    }
    // Such as the listener, which asks auth for the keys of tokens.
    if edges.iter().any(|edge| edge.from == parts.program) {
        here.push((parts.program, "the program itself".to_owned(), "own"));
    }
    let centre = Point { x: (8.0 + frame(parts)) / 2.0, y: HEIGHT / 2.0 + 8.0 };
    let (here_count, elsewhere_count) = (here.len(), elsewhere.len());
    let round = |position| around(centre, position, here_count);
    let column = |position: usize| Point {
        x: WIDTH - HALF.x - 24.0,
        y: HEIGHT * (position as f64 + 1.0) / (elsewhere_count as f64 + 1.0),
    };
    let placed = |at: Point, (name, note, class)| Node { name, note, class, at };
    let local = here.into_iter().enumerate().map(|(position, node)| placed(round(position), node));
    let remote =
        elsewhere.into_iter().enumerate().map(|(position, node)| placed(column(position), node));
    local.chain(remote).collect()
}

/// What of a URL is worth its room.
fn address(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, address)| address)
}

/// The place of one of `count` nodes around `centre`, clockwise, the first to the upper left.
fn around(centre: Point, position: usize, count: usize) -> Point {
    let turn = |position: usize| {
        let first = -1.0 + 1.0 / count as f64;
        let (sin, cos) =
            (std::f64::consts::PI * (first + 2.0 * position as f64 / count as f64)).sin_cos();
        Point { x: cos, y: sin }
    };
    match count {
        0 | 1 => centre,
        2 => Point { y: centre.y + RADIUS_Y * (position as f64 * 2.0 - 1.0), ..centre },
        _ => {
            // As far out as there is room, however many there are.
            let wide = (0..count).map(|at| turn(at).x.abs()).fold(0.0, f64::max);
            let high = (0..count).map(|at| turn(at).y.abs()).fold(0.0, f64::max);
            let radius = (centre.x - 8.0 - HALF.x - 48.0).min(270.0);
            let Point { x, y } = turn(position);
            Point { x: centre.x + radius * x / wide, y: centre.y + RADIUS_Y * y / high }
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

fn draw_edge(nodes: &[Node<'_>], edge: &Edge, swing: f64) -> Markup {
    let find = |name: &str| nodes.iter().find(|node| node.name == name).map(|node| node.at);
    let (Some(from), Some(to)) = (find(&edge.from), find(&edge.to)) else { return html! {} };
    if from == to {
        // What a module sends to itself is in the table.
        return html! {};
    }
    let curve = Curve::between(from, to, swing);
    let label = curve.label();
    html! {
        g.edge .(edge.kind.name()) .quiet[edge.count == 0] .failing[edge.failures > 0] {
            path d=(curve.path()) marker-end="url(#arrow)" {}
            @if edge.count > 0 {
                text x=(round(label.x)) y=(round(label.y)) text-anchor=(curve.side()) {
                    (per_second(edge.per_second)) " · " (mean(edge))
                }
            }
        }
    }
}

/// A quadratic Bézier curve from the edge of one box to that of another.
struct Curve {
    from: Point,
    control: Point,
    to: Point,
    /// Where it swings to.
    out: Point,
}

impl Curve {
    fn between(from: Point, to: Point, swing: f64) -> Self {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = dx.hypot(dy).max(1.0);
        let out = Point { x: dy / length, y: -dx / length };
        let control = Point {
            x: (from.x + to.x) / 2.0 + 2.0 * swing * out.x,
            y: (from.y + to.y) / 2.0 + 2.0 * swing * out.y,
        };
        Self { from, control, to, out }
    }

    fn at(&self, t: f64) -> Point {
        let mix = |from: f64, control: f64, to: f64| {
            (1.0 - t).powi(2) * from + 2.0 * t * (1.0 - t) * control + t * t * to
        };
        Point {
            x: mix(self.from.x, self.control.x, self.to.x),
            y: mix(self.from.y, self.control.y, self.to.y),
        }
    }

    /// The part that is outside of both boxes.
    fn path(&self) -> String {
        const STEPS: u32 = 100;

        let inside = |point: Point, node: Point| {
            (point.x - node.x).abs() < HALF.x + 3.0 && (point.y - node.y).abs() < HALF.y + 3.0
        };
        let steps = (0..=STEPS).map(|step| f64::from(step) / f64::from(STEPS));
        let mut outside =
            steps.filter(|t| !inside(self.at(*t), self.from) && !inside(self.at(*t), self.to));
        let first = outside.next().unwrap_or(0.0);
        let last = outside.next_back().unwrap_or(1.0);
        // The same curve between two of its points: its tangents there meet at the new control.
        let (start, end) = (self.at(first), self.at(last));
        let towards = |from: f64, control: f64, to: f64| {
            (1.0 - first) * (1.0 - last) * from
                + (first * (1.0 - last) + last * (1.0 - first)) * control
                + first * last * to
        };
        let control = Point {
            x: towards(self.from.x, self.control.x, self.to.x),
            y: towards(self.from.y, self.control.y, self.to.y),
        };
        format!(
            "M{} {} Q{} {} {} {}",
            round(start.x),
            round(start.y),
            round(control.x),
            round(control.y),
            round(end.x),
            round(end.y)
        )
    }

    /// Where its label stands: beside it, on the outer side.
    fn label(&self) -> Point {
        let middle = self.at(0.5);
        // The line that a text stands on is below its middle.
        let base = 4.0 + 10.0 * self.out.y;
        Point { x: middle.x + 7.0 * self.out.x, y: middle.y + base }
    }

    /// Which end of its label is at the curve.
    fn side(&self) -> &'static str {
        match self.out.x {
            x if x > 0.5 => "start",
            x if x < -0.5 => "end",
            _ => "middle",
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_begins_and_ends_outside_of_the_boxes() {
        let (from, to) = (Point { x: 200.0, y: 200.0 }, Point { x: 600.0, y: 210.0 });
        let path = Curve::between(from, to, SWING).path();
        let numbers: Vec<f64> = path
            .split(|c: char| c == ' ' || c == 'M' || c == 'Q')
            .filter_map(|number| number.parse().ok())
            .collect();
        let [x1, _, _, _, x2, _] = numbers[..] else { panic!("{path}") };
        assert!(x1 >= from.x + HALF.x && x2 <= to.x - HALF.x, "{path}");
    }

    #[test]
    fn there_and_back_are_two_ways() {
        let (a, b) = (Point { x: 0.0, y: 0.0 }, Point { x: 400.0, y: 0.0 });
        let (there, back) = (Curve::between(a, b, SWING), Curve::between(b, a, SWING));
        assert!(back.at(0.5).y - there.at(0.5).y > SWING, "to the left of the way");
    }

    #[test]
    fn modules_are_within_the_frame_and_apart() {
        for count in 1..=6 {
            let centre = Point { x: 324.0, y: 208.0 };
            let places: Vec<Point> = (0..count).map(|at| around(centre, at, count)).collect();
            for (position, one) in places.iter().enumerate() {
                assert!(one.x - HALF.x > 8.0 && one.x + HALF.x < 640.0, "{places:?}");
                assert!(one.y - HALF.y > 40.0 && one.y + HALF.y < HEIGHT - 8.0, "{places:?}");
                for other in &places[..position] {
                    let apart = (one.x - other.x).abs() > 2.0 * HALF.x
                        || (one.y - other.y).abs() > 2.0 * HALF.y;
                    assert!(apart, "{places:?}");
                }
            }
        }
    }
}

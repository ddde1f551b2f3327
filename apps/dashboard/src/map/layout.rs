//! Where the modules stand on the map.

use super::Edge;
use crate::{Parts, Place};

pub(super) const WIDTH: f64 = 960.0;
/// The height of a map of few modules.
const LOWEST: f64 = 420.0;
/// What a module needs of it in a column.
const STEP: f64 = 110.0;
/// Of a module's box, halved.
pub(super) const HALF: Point = Point { x: 84.0, y: 26.0 };
/// How far up and down modules are from the middle.
const RADIUS_Y: f64 = 106.0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A module, or the program itself.
pub(super) struct Node<'a> {
    pub(super) name: &'a str,
    pub(super) note: String,
    pub(super) class: &'static str,
    pub(super) at: Point,
}

/// The whole map.
pub(super) struct Layout<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    /// Where the frame of the program ends to the right.
    pub(super) frame: f64,
    pub(super) height: f64,
}

impl<'a> Layout<'a> {
    /// Modules of one program stand around its middle. Where others run elsewhere, each side has a
    /// column, so that what goes from one to the other passes nobody.
    pub(super) fn of(parts: &'a Parts, edges: &[Edge]) -> Self {
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
        let is_alone = elsewhere.is_empty();
        let frame = if is_alone { WIDTH - 8.0 } else { 620.0 };
        let most = if is_alone { 0 } else { here.len().max(elsewhere.len()) };
        let height = LOWEST.max(60.0 + STEP * most as f64);
        let centre = Point { x: (8.0 + frame) / 2.0, y: height / 2.0 + 16.0 };
        let local = |position, count| {
            if is_alone {
                around(centre, position, count)
            } else {
                below(250.0, height, position, count)
            }
        };
        let remote = |position, count| below(WIDTH - HALF.x - 24.0, height, position, count);
        let mut nodes = placed(here, local);
        nodes.extend(placed(elsewhere, remote));
        Self { nodes, frame, height }
    }
}

fn placed<'a>(
    nodes: Vec<(&'a str, String, &'static str)>,
    place: impl Fn(usize, usize) -> Point,
) -> Vec<Node<'a>> {
    let count = nodes.len();
    let nodes = nodes.into_iter().enumerate();
    nodes
        .map(|(position, (name, note, class))| Node {
            name,
            note,
            class,
            at: place(position, count),
        })
        .collect()
}

/// The place of one of `count` nodes in a column.
fn below(x: f64, height: f64, position: usize, count: usize) -> Point {
    let room = height - 56.0;
    Point { x, y: 40.0 + room * (position as f64 + 0.5) / count as f64 }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_within_the_frame_and_apart() {
        let centre = Point { x: 480.0, y: 226.0 };
        for count in 1..=6 {
            for place in [|_, at, count| below(250.0, 60.0 + STEP * 6.0, at, count), around] {
                let places: Vec<Point> = (0..count).map(|at| place(centre, at, count)).collect();
                for (position, one) in places.iter().enumerate() {
                    assert!(one.x - HALF.x > 8.0 && one.x + HALF.x < WIDTH, "{places:?}");
                    assert!(one.y - HALF.y > 40.0, "{places:?}");
                    for other in &places[..position] {
                        let apart = (one.x - other.x).abs() > 2.0 * HALF.x
                            || (one.y - other.y).abs() > 2.0 * HALF.y;
                        assert!(apart, "{places:?}");
                    }
                }
            }
        }
    }
}

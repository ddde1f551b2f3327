//! Plots, drawn as SVG by hand.
//!
//! They take their colours from the page's style sheet: a shape has one colour, marker and dash in all
//! of them. The crate's documentation says why no plotting crate draws them.

mod axis;
mod bars;
mod chart;
mod forest;

pub(crate) use axis::Axis;
pub(crate) use bars::{Bar, Bars, Segment};
pub(crate) use chart::{Chart, Dash, Point, Rule, Series};
pub(crate) use forest::{Forest, Row};

use maud::{Markup, html};

/// How wide every plot is, in its own units; the page scales it.
const WIDTH: f64 = 440.0;

/// The name of a plot for those who do not see it.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    /// Unique in the page: letters, digits and hyphens.
    pub(crate) id: String,
    /// What is drawn.
    pub(crate) title: String,
    /// What can be seen in it.
    pub(crate) description: String,
}

/// The picture with its name around `inner`.
fn svg(label: &Label, height: f64, inner: &Markup) -> Markup {
    let (title, description) = (format!("{}-t", label.id), format!("{}-d", label.id));
    html! {
        svg role="img" viewBox=(format!("0 0 {WIDTH} {}", place(height)))
            aria-labelledby=(format!("{title} {description}")) {
            title id=(title) { (label.title) }
            desc id=(description) { (label.description) }
            (inner)
        }
    }
}

/// A coordinate: a tenth of a unit is less than anybody sees.
fn place(value: f64) -> String {
    format!("{value:.1}")
}

/// The class that carries a shape's colour.
fn colour(style: usize) -> String {
    format!("c{}", style % STYLES)
}

/// Colours, markers and dashes there are; a further shape looks like an earlier one.
const STYLES: usize = 6;

/// A marker of its own for each shape, so that they differ without colour.
fn marker(style: usize, x: f64, y: f64) -> Markup {
    const R: f64 = 4.0;
    let (left, right, top, bottom) = (x - R, x + R, y - R, y + R);
    let points = match style % STYLES {
        0 => return html! { circle.mark cx=(place(x)) cy=(place(y)) r=(R) {} },
        1 => vec![(left, top), (right, top), (right, bottom), (left, bottom)],
        2 => vec![(x, top - 1.0), (right + 1.0, bottom), (left - 1.0, bottom)],
        3 => vec![(x, top - 1.5), (right + 1.5, y), (x, bottom + 1.5), (left - 1.5, y)],
        4 => vec![(left - 1.0, top), (right + 1.0, top), (x, bottom + 1.0)],
        _ => vec![(x - 2.0, top), (x + 2.0, top), (right, bottom), (left, bottom)],
    };
    html! { polygon.mark points=(path(&points)) {} }
}

/// Points as an attribute.
fn path(points: &[(f64, f64)]) -> String {
    let texts = points.iter().map(|(x, y)| format!("{},{}", place(*x), place(*y)));
    texts.collect::<Vec<_>>().join(" ")
}

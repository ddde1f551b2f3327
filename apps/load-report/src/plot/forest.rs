//! Differences with their intervals around zero, before a band of noise.

use maud::{Markup, html};

use crate::format;

use super::{Axis, Label, WIDTH, colour, marker, path, place, svg};

/// Differences, as shares of what they are compared with.
#[derive(Clone, Debug)]
pub(crate) struct Forest {
    pub(crate) label: Label,
    /// What lies left and right of zero, in words.
    pub(crate) axis: String,
    pub(crate) rows: Vec<Row>,
}

/// One difference.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) style: usize,
    pub(crate) mean: f64,
    pub(crate) interval: Option<(f64, f64)>,
    /// How far two runs of one shape lie apart; nothing where nobody knows.
    pub(crate) noise: Option<f64>,
    /// The difference in words.
    pub(crate) text: String,
}

const LEFT: f64 = 10.0;
const RIGHT: f64 = WIDTH - 10.0;
const ROW: f64 = 44.0;
const TOP: f64 = 6.0;

impl Forest {
    pub(crate) fn draw(&self) -> Markup {
        let axis = self.axis();
        let x = |value: f64| LEFT + axis.share(value) * (RIGHT - LEFT);
        let bottom = TOP + ROW * self.rows.len() as f64;
        let step = axis.ticks.len().div_ceil(6);
        let inner = html! {
            @for (value, text) in axis.ticks.iter().filter(|(value, _)| is_shown(&axis, *value, step)) {
                line.grid x1=(place(x(*value))) x2=(place(x(*value))) y1=(place(TOP)) y2=(place(bottom + 4.0)) {}
                text.tick x=(place(within(x(*value), text))) y=(place(bottom + 18.0)) text-anchor="middle" { (text) }
            }
            line.zero x1=(place(x(0.0))) x2=(place(x(0.0))) y1=(place(TOP)) y2=(place(bottom + 4.0)) {}
            @for (at, row) in self.rows.iter().enumerate() {
                (row.draw(TOP + ROW * at as f64, &axis, &x))
            }
            text.label x=(place(WIDTH / 2.0)) y=(place(bottom + 38.0)) text-anchor="middle" { (axis.label) }
        };
        svg(&self.label, bottom + 46.0, &inner)
    }

    /// Wide enough for what is a difference: one that nobody can tell from none would leave no room
    /// for those, and is cut off with an arrow.
    fn axis(&self) -> Axis {
        let is_told = |row: &&Row| row.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0);
        let size = |row: &Row| row.mean.abs();
        let told = self.rows.iter().filter(is_told).map(size).reduce(f64::max);
        let any = || self.rows.iter().map(size).fold(0.0, f64::max);
        let widest = 1.6 * told.unwrap_or_else(any);
        let reach = |row: &Row| {
            let noise = row.noise.unwrap_or(0.0);
            let (low, high) = row.interval.unwrap_or((row.mean, row.mean));
            [low, high, row.mean, noise, -noise].map(|value| value.clamp(-widest, widest))
        };
        Axis::around_zero(&self.axis, self.rows.iter().flat_map(reach), |value| {
            format::signed(value, format::percent)
        })
    }
}

impl Row {
    fn draw(&self, top: f64, axis: &Axis, x: &impl Fn(f64) -> f64) -> Markup {
        let middle = top + 30.0;
        let arrow = |from: f64, tip: f64| {
            let points = [(from, middle - 4.0), (from, middle + 4.0), (tip, middle)];
            html! { polygon.mark points=(path(&points)) {} }
        };
        html! {
            @if let Some(noise) = self.noise {
                rect.noise x=(place(x(-noise))) width=(place((x(noise) - x(-noise)).max(0.0)))
                    y=(place(middle - 9.0)) height="18" {}
            }
            text.name x=(place(LEFT)) y=(place(top + 14.0)) { (self.name) }
            text.value x=(place(RIGHT)) y=(place(top + 14.0)) text-anchor="end" { (self.text) }
            g class=(colour(self.style)) {
                @if let Some((low, high)) = self.interval {
                    line.whisker x1=(place(x(low))) x2=(place(x(high))) y1=(place(middle)) y2=(place(middle)) {}
                    @if low < axis.low() { (arrow(LEFT, LEFT - 8.0)) }
                    @if high > axis.high() { (arrow(RIGHT, RIGHT + 8.0)) }
                }
                @if axis.low() <= self.mean && self.mean <= axis.high() {
                    (marker(self.style, x(self.mean), middle))
                }
            }
        }
    }
}

/// Where a text is written in the middle of `place`, all of it inside the picture.
fn within(place: f64, text: &str) -> f64 {
    let half = 4.0 * text.chars().count() as f64;
    place.max(half).min(WIDTH - half)
}

/// Every tick that has room, zero always among them.
fn is_shown(axis: &Axis, value: f64, step: usize) -> bool {
    let zero = axis.ticks.iter().position(|(tick, _)| *tick == 0.0).unwrap_or(0);
    let at = axis.ticks.iter().position(|(tick, _)| *tick == value).unwrap_or(0);
    at.abs_diff(zero).is_multiple_of(step)
}

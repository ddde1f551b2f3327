//! Lines over two axes.

use maud::{Markup, html};

use super::{Axis, Label, WIDTH, colour, marker, path, place, svg};

/// Lines over two axes.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) label: Label,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
    /// Lines across, such as a limit.
    pub(crate) rules: Vec<Rule>,
    /// Places on the x axis with the share, up to 1, of what went wrong there.
    pub(crate) failures: Vec<(f64, f64)>,
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Written at the line's end.
    pub(crate) name: String,
    /// Its shape's colour and marker.
    pub(crate) style: usize,
    pub(crate) dash: Dash,
    pub(crate) points: Vec<Point>,
    /// Whether each point has a marker.
    pub(crate) marked: bool,
}

/// A place on a line, and how far it may be off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) interval: Option<(f64, f64)>,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dash {
    /// By its shape, so that shapes differ without colour.
    OfShape,
    Solid,
    Long,
    Dots,
}

/// A line across the chart.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// Where both axes have the same value.
    Diagonal(String),
    /// At one value of the y axis.
    Level(f64, String),
}

impl From<(f64, f64)> for Point {
    fn from((x, y): (f64, f64)) -> Self {
        Self { x, y, interval: None }
    }
}

const HEIGHT: f64 = 280.0;
const LEFT: f64 = 58.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = HEIGHT - 46.0;
const LINE: f64 = 14.0;
/// Letters that are written beside a line before the name is broken.
const NAME_WIDTH: usize = 11;
/// Letters that a line has room for.
const LONGEST: usize = 15;

impl Chart {
    pub(crate) fn draw(&self) -> Markup {
        let longest = self.series.iter().flat_map(|series| lines(&series.name));
        let letters = longest.map(|line| line.chars().count()).max().unwrap_or(0);
        let right = WIDTH - 14.0 - 6.6 * letters as f64;
        let x = |value: f64| LEFT + self.x.share(value) * (right - LEFT);
        let y = |value: f64| BOTTOM - self.y.share(value) * (BOTTOM - TOP);
        let inner = html! {
            (self.grid(right, &x, &y))
            @for (at, share) in &self.failures {
                line.failure x1=(place(x(*at))) x2=(place(x(*at))) y1=(place(BOTTOM))
                    y2=(place(BOTTOM - 3.0 - share.clamp(0.0, 1.0) * (BOTTOM - TOP) / 3.0)) {}
            }
            @for rule in &self.rules { (self.rule(rule, right, &x, &y)) }
            @for series in &self.series { (series.draw(&x, &y)) }
            (self.names(right, &y))
        };
        svg(&self.label, HEIGHT, &inner)
    }

    fn grid(&self, right: f64, x: &impl Fn(f64) -> f64, y: &impl Fn(f64) -> f64) -> Markup {
        let middle = f64::midpoint(LEFT, right);
        html! {
            @for (value, text) in &self.y.ticks {
                line.grid x1=(place(LEFT)) x2=(place(right)) y1=(place(y(*value))) y2=(place(y(*value))) {}
                text.tick x=(place(LEFT - 6.0)) y=(place(y(*value) + 4.0)) text-anchor="end" { (text) }
            }
            @for (value, text) in thinned(&self.x.ticks, right - LEFT, x) {
                line.grid x1=(place(x(*value))) x2=(place(x(*value))) y1=(place(BOTTOM)) y2=(place(BOTTOM + 4.0)) {}
                text.tick x=(place(x(*value))) y=(place(BOTTOM + 18.0)) text-anchor="middle" { (text) }
            }
            line.axis x1=(place(LEFT)) x2=(place(right)) y1=(place(BOTTOM)) y2=(place(BOTTOM)) {}
            text.label x=(place(middle)) y=(place(HEIGHT - 8.0)) text-anchor="middle" { (self.x.label) }
            text.label x="4" y="13" { (self.y.label) }
        }
    }

    fn rule(
        &self,
        rule: &Rule,
        right: f64,
        x: &impl Fn(f64) -> f64,
        y: &impl Fn(f64) -> f64,
    ) -> Markup {
        match rule {
            Rule::Diagonal(text) => {
                let last = |axis: &Axis| axis.ticks.last().map_or(0.0, |(value, _)| *value);
                let end = last(&self.x).min(last(&self.y));
                html! {
                    line.rule x1=(place(x(0.0))) y1=(place(y(0.0))) x2=(place(x(end))) y2=(place(y(end))) {}
                    text.note x=(place(x(end * 0.62) - 6.0)) y=(place(y(end * 0.62) - 6.0))
                        text-anchor="end" { (text) }
                }
            }
            Rule::Level(value, text) => html! {
                line.rule x1=(place(LEFT)) x2=(place(right)) y1=(place(y(*value))) y2=(place(y(*value))) {}
                text.note x=(place(LEFT + 4.0)) y=(place(y(*value) - 4.0)) { (text) }
            },
        }
    }

    /// Names at the ends of their lines, moved apart where lines end close together.
    fn names(&self, right: f64, y: &impl Fn(f64) -> f64) -> Markup {
        let mut places: Vec<(f64, &Series)> = self
            .series
            .iter()
            .filter_map(|series| Some((y(series.points.last()?.y), series)))
            .collect();
        places.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let mut free = TOP;
        for (place, series) in &mut places {
            let height = LINE * lines(&series.name).len() as f64;
            *place = place.max(free + height / 2.0);
            free = *place + height / 2.0 + 2.0;
        }
        let mut limit = BOTTOM + LINE / 2.0;
        for (place, series) in places.iter_mut().rev() {
            let height = LINE * lines(&series.name).len() as f64;
            *place = place.min(limit - height / 2.0);
            limit = *place - height / 2.0 - 2.0;
        }
        html! {
            @for (middle, series) in &places {
                @let lines = lines(&series.name);
                @let first = middle - LINE * (lines.len() as f64 - 1.0) / 2.0 + 4.0;
                @for (at, line) in lines.iter().enumerate() {
                    text class=(format!("name {}", colour(series.style))) x=(place(right + 8.0))
                        y=(place(first + LINE * at as f64)) { (line) }
                }
            }
        }
    }
}

impl Series {
    fn draw(&self, x: &impl Fn(f64) -> f64, y: &impl Fn(f64) -> f64) -> Markup {
        let places: Vec<(f64, f64)> =
            self.points.iter().map(|point| (x(point.x), y(point.y))).collect();
        html! {
            g class=(colour(self.style)) {
                polyline.line points=(path(&places)) stroke-dasharray=[self.dashes()] {}
                @for point in &self.points {
                    @if let Some((low, high)) = point.interval {
                        line.whisker x1=(place(x(point.x))) x2=(place(x(point.x)))
                            y1=(place(y(low))) y2=(place(y(high))) {}
                    }
                }
                @if self.marked {
                    @for (x, y) in &places { (marker(self.style, *x, *y)) }
                }
            }
        }
    }

    fn dashes(&self) -> Option<&'static str> {
        match self.dash {
            Dash::Solid => None,
            Dash::Long => Some("7 4"),
            Dash::Dots => Some("2 3"),
            Dash::OfShape => {
                [None, Some("7 4"), Some("2 3"), Some("9 4 2 4"), Some("4 3"), Some("12 4")]
                    .get(self.style % super::STYLES)
                    .copied()
                    .flatten()
            }
        }
    }
}

/// The ticks whose texts have room beside each other.
fn thinned<'t>(
    ticks: &'t [(f64, String)],
    width: f64,
    x: &impl Fn(f64) -> f64,
) -> Vec<&'t (f64, String)> {
    let mut free = f64::NEG_INFINITY;
    let mut kept = Vec::new();
    for tick in ticks {
        let half = 3.6 * tick.1.chars().count() as f64;
        let middle = x(tick.0);
        if middle - half >= free && middle <= LEFT + width + 1.0 {
            free = middle + half + 6.0;
            kept.push(tick);
        }
    }
    kept
}

/// A name in lines that are short enough, broken between words, and within those that are too long.
fn lines(name: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in name.split_whitespace() {
        let parts: Vec<&str> = match word.chars().count() {
            few if few <= LONGEST => vec![word],
            _ => word.split_inclusive('-').collect(),
        };
        let letters = parts.iter().map(|part| part.chars().collect::<Vec<char>>());
        let pieces: Vec<Vec<char>> = letters
            .flat_map(|part| part.chunks(LONGEST).map(<[char]>::to_vec).collect::<Vec<_>>())
            .collect();
        for piece in pieces {
            match lines.last_mut() {
                Some(line) if line.chars().count() + piece.len() < NAME_WIDTH => {
                    line.push(' ');
                    line.extend(piece);
                }
                _ => lines.push(piece.iter().collect()),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_broken() {
        assert_eq!(lines("billing extracted"), ["billing", "extracted"]);
        assert_eq!(lines("a b  c"), ["a b c"]);
        assert_eq!(lines("billing-service"), ["billing-service"]);
        assert_eq!(lines("notifications-service"), ["notifications-", "service"]);
        assert_eq!(lines("abcdefghijklmnopq"), ["abcdefghijklmno", "pq"]);
    }
}

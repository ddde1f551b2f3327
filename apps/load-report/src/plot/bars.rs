//! Horizontal bars, whole or stacked, each with its name above it.

use maud::{Markup, html};

use super::{Label, WIDTH, colour, place, svg};

/// Bars of one unit.
#[derive(Clone, Debug)]
pub(crate) struct Bars {
    pub(crate) label: Label,
    pub(crate) bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) name: String,
    /// Its shape's colour; nothing where segments have colours of their own.
    pub(crate) style: Option<usize>,
    /// From the left; the parts of a whole.
    pub(crate) segments: Vec<Segment>,
    /// How far the whole may be off.
    pub(crate) interval: Option<(f64, f64)>,
    /// The whole in words.
    pub(crate) text: String,
}

/// One part of a bar.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// Empty where the bar is one.
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) text: String,
    /// Which shade or colour tells it from the others.
    pub(crate) shade: usize,
}

const LEFT: f64 = 4.0;
const RIGHT: f64 = WIDTH - 12.0;
const THICK: f64 = 18.0;
const LINE: f64 = 16.0;

impl Bars {
    pub(crate) fn draw(&self) -> Markup {
        let ends =
            self.bars.iter().map(|bar| bar.whole().max(bar.interval.map_or(0.0, |(_, high)| high)));
        let most = ends.filter(|end| end.is_finite()).fold(0.0, f64::max);
        let x = |value: f64| {
            let share = if most > 0.0 { value / most } else { 0.0 };
            LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
        };
        let mut top = 4.0;
        let mut drawn = Vec::new();
        for bar in &self.bars {
            drawn.push(bar.draw(top, &x));
            top += bar.height();
        }
        let inner = html! {
            @for bar in &drawn { (bar) }
            line.axis x1=(LEFT) x2=(LEFT) y1="4" y2=(place(top - 6.0)) {}
        };
        svg(&self.label, top, &inner)
    }
}

impl Bar {
    fn whole(&self) -> f64 {
        self.segments.iter().map(|segment| segment.value).sum()
    }

    fn height(&self) -> f64 {
        LINE * self.head().len() as f64 + THICK + LINE * self.legend().len() as f64 + 14.0
    }

    fn draw(&self, top: f64, x: &impl Fn(f64) -> f64) -> Markup {
        let mut sum = 0.0;
        let mut parts = Vec::new();
        for segment in &self.segments {
            let (from, to) = (x(sum), x(sum + segment.value));
            sum += segment.value;
            parts.push((segment.shade, from, (to - from).max(0.0)));
        }
        let head = self.head();
        let bar = top + LINE * head.len() as f64 + 2.0;
        let middle = bar + THICK / 2.0;
        let line = |first: f64, at: usize| place(first + LINE * at as f64);
        html! {
            g class=[self.style.map(colour)] {
                @for (at, text) in head.iter().enumerate() {
                    text.title x=(place(LEFT + 2.0)) y=(line(top + 12.0, at)) { (text) }
                }
                text.value x=(place(RIGHT)) y=(place(bar - 6.0)) text-anchor="end" { (self.text) }
                @for (shade, from, width) in &parts {
                    rect class=(format!("bar {}", self.shade(*shade)))
                        x=(place(*from)) y=(place(bar)) width=(place(*width)) height=(THICK) {}
                }
                @if let Some((low, high)) = self.interval {
                    line.interval x1=(place(x(low))) x2=(place(x(high))) y1=(place(middle)) y2=(place(middle)) {}
                    @for end in [low, high] {
                        line.interval x1=(place(x(end))) x2=(place(x(end)))
                            y1=(place(middle - 5.0)) y2=(place(middle + 5.0)) {}
                    }
                }
                @for (at, entries) in self.legend().iter().enumerate() {
                    text.tick x=(place(LEFT + 2.0)) y=(line(bar + THICK + 13.0, at)) {
                        @for (shade, text) in entries {
                            tspan class=(format!("swatch {}", self.shade(*shade))) { "■ " } (text) "  "
                        }
                    }
                }
            }
        }
    }

    /// The class that tells one part from the next: of the shape's colour, or a colour of its own.
    fn shade(&self, at: usize) -> String {
        let at = at.min(SHADES - 1);
        if self.style.is_some() { format!("o{at}") } else { format!("h{at}") }
    }

    /// The name in lines, so that the value has room at the end of the last.
    fn head(&self) -> Vec<String> {
        const WIDE: usize = 58;
        let mut lines = vec![String::new()];
        for word in self.name.split_whitespace() {
            let room = lines.last().map_or(0, |line| line.chars().count());
            if room > 0 && room + word.chars().count() >= WIDE {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.extend([word, " "]);
            }
        }
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last + self.text.chars().count() > WIDE {
            lines.push(String::new());
        }
        lines
    }

    /// The parts in words, each with its shade, in as many lines as they need.
    fn legend(&self) -> Vec<Vec<(usize, String)>> {
        const WIDE: usize = 74;
        let mut lines: Vec<Vec<(usize, String)>> = Vec::new();
        let mut room = 0;
        for segment in &self.segments {
            if segment.name.is_empty() {
                continue;
            }
            let (at, text) = (segment.shade, format!("{} {}", segment.name, segment.text));
            let length = text.chars().count() + 4;
            match lines.last_mut().filter(|_| length <= room) {
                Some(line) => line.push((at, text)),
                None => {
                    room = WIDE;
                    lines.push(vec![(at, text)]);
                }
            }
            room = room.saturating_sub(length);
        }
        lines
    }
}

/// Parts of a bar that can be told from each other.
const SHADES: usize = 5;

//! The ways between modules.

use super::layout::{HALF, Point};

/// Whether a box at `node` is in the way of whoever goes straight.
pub(super) fn is_between(node: Point, from: Point, to: Point) -> bool {
    let (way, off) = (
        Point { x: to.x - from.x, y: to.y - from.y },
        Point { x: node.x - from.x, y: node.y - from.y },
    );
    let length = way.x.hypot(way.y).max(1.0);
    let along = (way.x * off.x + way.y * off.y) / length;
    let aside = (way.x * off.y - way.y * off.x).abs() / length;
    along > 1.0 && along < length - 1.0 && aside < HALF.y
}

/// A quadratic Bézier curve from the edge of one box to that of another.
pub(super) struct Curve {
    from: Point,
    control: Point,
    to: Point,
    /// Where it swings to.
    out: Point,
}

impl Curve {
    pub(super) fn between(from: Point, to: Point, swing: f64) -> Self {
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
    pub(super) fn path(&self) -> String {
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
    pub(super) fn label(&self) -> Point {
        let middle = self.at(0.5);
        // The line that a text stands on is below its middle.
        let base = 4.0 + 10.0 * self.out.y;
        Point { x: middle.x + 7.0 * self.out.x, y: middle.y + base }
    }

    /// Which end of its label is at the curve.
    pub(super) fn side(&self) -> &'static str {
        match self.out.x {
            x if x > 0.5 => "start",
            x if x < -0.5 => "end",
            _ => "middle",
        }
    }
}

pub(super) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWING: f64 = 34.0;

    #[test]
    fn an_edge_begins_and_ends_outside_of_the_boxes() {
        let (from, to) = (Point { x: 200.0, y: 200.0 }, Point { x: 600.0, y: 210.0 });
        let path = Curve::between(from, to, SWING).path();
        let numbers: Vec<f64> =
            path.split([' ', 'M', 'Q']).filter_map(|number| number.parse().ok()).collect();
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
    fn who_stands_between_is_passed() {
        let at = |x, y| Point { x, y };
        assert!(is_between(at(0.0, 100.0), at(0.0, 0.0), at(0.0, 200.0)));
        assert!(!is_between(at(100.0, 100.0), at(0.0, 0.0), at(0.0, 200.0)));
        assert!(!is_between(at(0.0, 300.0), at(0.0, 0.0), at(0.0, 200.0)));
        assert!(!is_between(at(0.0, 200.0), at(0.0, 0.0), at(0.0, 200.0)), "its own end");
    }
}

//! A line chart; each line has its name at its end.

use super::axis::Axis;
use super::svg::{Anchor, BOTTOM, HEIGHT, LEFT, Svg, WIDTH, height};

/// The end of the lines, and the start of their names.
const RIGHT: f64 = WIDTH - 186.0;
/// The distance of the first and the last point from the ends of the axis.
const MARGIN: f64 = 22.0;
/// The minimum distance of names.
const NAME: f64 = 17.0;

pub struct Series {
    pub label: String,
    pub color: &'static str,
    pub dashed: bool,
    pub points: Vec<(f64, f64)>,
}

impl Series {
    pub fn heights(&self) -> impl Iterator<Item = f64> {
        self.points.iter().map(|(_, height)| *height)
    }
}

pub struct Lines {
    pub title: &'static str,
    pub subtitle: &'static str,
    pub x_label: &'static str,
    /// In ascending order.
    pub x_ticks: Vec<(f64, String)>,
    pub y: Axis,
    pub series: Vec<Series>,
}

impl Lines {
    pub fn picture(&self) -> String {
        let mut svg = Svg::new(self.title, self.subtitle);
        svg.ticks(&self.y.ticks(), RIGHT);
        for (x, label) in &self.x_ticks {
            svg.text(self.across(*x), BOTTOM + 20.0, Anchor::Middle, label);
        }
        let middle = f64::midpoint(LEFT, RIGHT);
        svg.text(middle, HEIGHT - 20.0, Anchor::Middle, self.x_label);
        for one in &self.series {
            let points: Vec<(f64, f64)> = one
                .points
                .iter()
                .map(|(x, y)| (self.across(*x), height(self.y.place(*y))))
                .collect();
            svg.line(&points, one.color, one.dashed);
        }
        for (y, one) in self.names() {
            svg.colored(RIGHT + 2.0, y + 4.0, Anchor::Start, one.color, &one.label);
        }
        svg.end()
    }

    fn across(&self, x: f64) -> f64 {
        let (from, to) = match self.x_ticks.as_slice() {
            [(from, _), .., (to, _)] => (*from, *to),
            _ => panic!("a line needs two points"),
        };
        let (left, right) = (LEFT + MARGIN, RIGHT - MARGIN);
        left + (x - from) / (to - from) * (right - left)
    }

    /// The position of each name: beside the end of its line, or below the previous name.
    fn names(&self) -> Vec<(f64, &Series)> {
        let mut names: Vec<(f64, &Series)> = self
            .series
            .iter()
            .filter_map(|one| Some((height(self.y.place(one.points.last()?.1)), one)))
            .collect();
        names.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut above = f64::MIN;
        for (y, _) in &mut names {
            *y = y.max(above + NAME);
            above = *y;
        }
        names
    }
}

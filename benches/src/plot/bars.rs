//! A bar chart with groups of two bars.

use super::axis::Axis;
use super::svg::{Anchor, BOTTOM, LEFT, Svg, WIDTH, height, thousands};

const RIGHT: f64 = WIDTH - 24.0;
const BAR: f64 = 54.0;
const GAP: f64 = 6.0;

pub struct Group {
    pub label: String,
    pub heights: [f64; 2],
    /// A text below the label.
    pub note: String,
}

pub struct Bars {
    pub title: &'static str,
    pub subtitle: &'static str,
    pub names: [&'static str; 2],
    pub colors: [&'static str; 2],
    pub groups: Vec<Group>,
}

impl Bars {
    pub fn picture(&self) -> String {
        let mut svg = Svg::new(self.title, self.subtitle);
        let axis = Axis::linear(self.groups.iter().flat_map(|group| group.heights));
        svg.ticks(&axis.ticks(), RIGHT);
        let each = (RIGHT - LEFT) / self.groups.len() as f64;
        for (number, group) in self.groups.iter().enumerate() {
            let middle = LEFT + (number as f64 + 0.5) * each;
            let lefts = [middle - GAP / 2.0 - BAR, middle + GAP / 2.0];
            for (bar, left) in lefts.into_iter().enumerate() {
                let value = group.heights[bar];
                let top = height(axis.place(value));
                svg.bar(left, top, BAR, BOTTOM - top, self.colors[bar]);
                let above = left + BAR / 2.0;
                svg.text(above, top - 6.0, Anchor::Middle, &thousands(value));
            }
            svg.text(middle, BOTTOM + 20.0, Anchor::Middle, &group.label);
            svg.text(middle, BOTTOM + 38.0, Anchor::Middle, &group.note);
        }
        self.legend(&mut svg);
        svg.end()
    }

    /// Draws the legend beside the title.
    fn legend(&self, svg: &mut Svg) {
        for (row, (name, color)) in self.names.iter().zip(self.colors).enumerate() {
            let y = 34.0 + 19.0 * row as f64;
            svg.bar(RIGHT - 150.0, y - 10.0, 12.0, 12.0, color);
            svg.text(RIGHT - 132.0, y, Anchor::Start, name);
        }
    }
}

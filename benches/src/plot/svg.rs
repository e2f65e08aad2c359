//! The common parts of the charts. They have their own background, so that they are readable on
//! dark pages too.

use std::fmt::Write as _;

pub const WIDTH: f64 = 760.0;
pub const HEIGHT: f64 = 430.0;
/// The bounds of the plot area.
pub const LEFT: f64 = 76.0;
pub const TOP: f64 = 84.0;
pub const BOTTOM: f64 = 366.0;

const INK: &str = "#1f2328";
const FAINT: &str = "#59636e";

pub struct Svg(String);

/// The position of a text relative to its point.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// A chart with only a title.
    pub fn new(title: &str, subtitle: &str) -> Self {
        let mut svg = Self(String::new());
        svg.add(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" role=\"img\" font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\">"
        ));
        let (title, subtitle) = (escaped(title), escaped(subtitle));
        svg.add(format_args!("<title>{title}</title>"));
        svg.add(format_args!(
            "<rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d1d9e0\"/>",
            WIDTH - 1.0,
            HEIGHT - 1.0
        ));
        svg.add(format_args!(
            "<text x=\"24\" y=\"34\" font-size=\"16\" font-weight=\"600\" fill=\"{INK}\">{title}</text>"
        ));
        svg.add(format_args!(
            "<text x=\"24\" y=\"55\" font-size=\"12\" fill=\"{FAINT}\">{subtitle}</text>"
        ));
        svg
    }

    fn add(&mut self, part: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{part}").expect("a text");
    }

    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str) {
        self.colored(x, y, anchor, FAINT, text);
    }

    pub fn colored(&mut self, x: f64, y: f64, anchor: Anchor, color: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        // The outline hides the lines behind a text.
        self.add(format_args!(
            "<text paint-order=\"stroke\" stroke=\"#ffffff\" stroke-width=\"4\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"12\" text-anchor=\"{anchor}\" fill=\"{color}\">{text}</text>"
        ));
    }

    /// Draws the lines of the vertical axis, up to `right`.
    pub fn ticks(&mut self, ticks: &[(f64, String)], right: f64) {
        for (place, label) in ticks {
            let y = height(*place);
            let color = if *place == 0.0 { "#8c959f" } else { "#e3e8ed" };
            self.add(format_args!(
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\" stroke=\"{color}\"/>"
            ));
            self.text(LEFT - 10.0, y + 4.0, Anchor::End, label);
        }
    }

    pub fn line(&mut self, points: &[(f64, f64)], color: &str, dashed: bool) {
        let mut path = String::new();
        for (x, y) in points {
            write!(path, "{x:.1},{y:.1} ").expect("a text");
        }
        let dashes = if dashed {
            " stroke-dasharray=\"7 4\""
        } else {
            ""
        };
        self.add(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2.25\" \
             stroke-linejoin=\"round\"{dashes}/>",
            path.trim_end()
        ));
        for (x, y) in points {
            let fill = if dashed { "#ffffff" } else { color };
            self.add(format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{color}\" stroke-width=\"2\"/>"
            ));
        }
    }

    pub fn bar(&mut self, x: f64, y: f64, width: f64, height: f64, color: &str) {
        self.add(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" fill=\"{color}\"/>"
        ));
    }

    pub fn end(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

/// The vertical position of a height from 0 to 1.
pub fn height(place: f64) -> f64 {
    BOTTOM - place * (BOTTOM - TOP)
}

/// A whole number with thousands separators.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

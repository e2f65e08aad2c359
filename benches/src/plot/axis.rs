//! The vertical axis: the position of values, and the ticks.

use super::svg::thousands;

pub struct Axis {
    logarithmic: bool,
    /// The first and the last tick.
    from: f64,
    to: f64,
    step: f64,
}

impl Axis {
    /// From the power of ten below all values to the one above.
    pub fn logarithmic(values: impl Iterator<Item = f64>) -> Self {
        let logs: Vec<f64> = values.map(f64::log10).collect();
        Self {
            logarithmic: true,
            from: logs.iter().copied().fold(f64::MAX, f64::min).floor(),
            to: logs.iter().copied().fold(f64::MIN, f64::max).ceil(),
            step: 1.0,
        }
    }

    /// From zero to a round number above all values, in at most six steps of 1, 2 or 5.
    pub fn linear(values: impl Iterator<Item = f64>) -> Self {
        let highest = values.fold(0.0, f64::max);
        assert!(highest > 0.0, "no positive values");
        let magnitude = 10_f64.powf(highest.log10().floor() - 1.0);
        let step = [1.0, 2.0, 5.0, 10.0, 20.0]
            .into_iter()
            .map(|step| step * magnitude)
            .find(|step| highest / step <= 6.0)
            .unwrap_or(highest);
        Self {
            logarithmic: false,
            from: 0.0,
            to: (highest / step).ceil() * step,
            step,
        }
    }

    /// The height of a value, from 0 to 1.
    pub fn place(&self, value: f64) -> f64 {
        let value = if self.logarithmic {
            value.log10()
        } else {
            value
        };
        (value - self.from) / (self.to - self.from)
    }

    /// The height and the label of each tick.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let steps = ((self.to - self.from) / self.step).round() as usize;
        (0..=steps)
            .map(|step| {
                let value = self.from + step as f64 * self.step;
                let shown = if self.logarithmic {
                    10_f64.powf(value)
                } else {
                    value
                };
                (step as f64 / steps as f64, label(shown))
            })
            .collect()
    }
}

fn label(value: f64) -> String {
    match value {
        1e6.. => format!("{} M", value / 1e6),
        _ if value.fract() > 0.01 => format!("{value:.1}"),
        _ => thousands(value),
    }
}

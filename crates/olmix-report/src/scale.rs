//! From data to pixels: scales, round ticks, quantiles.

/// Maps `[low, high]` linearly, or by the square root, to `[from, to]` pixels.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    root: bool,
}

impl Scale {
    /// A linear scale. An empty or backward domain is widened around `low`.
    pub fn linear(low: f64, high: f64, from: f64, to: f64) -> Self {
        let high = if high > low {
            high
        } else {
            low + low.abs().max(1.0) * 1e-3
        };
        Self {
            low,
            high,
            from,
            to,
            root: false,
        }
    }

    /// A square-root scale from zero: small weights stay legible.
    pub fn root(high: f64, from: f64, to: f64) -> Self {
        Self {
            root: true,
            ..Self::linear(0.0, high, from, to)
        }
    }

    /// The pixel of a value, held inside the scale; its start for what is not a number.
    pub fn at(&self, value: f64) -> f64 {
        let position = (value - self.low) / (self.high - self.low);
        let position = if position.is_nan() {
            0.0
        } else {
            position.clamp(0.0, 1.0)
        };
        let position = if self.root { position.sqrt() } else { position };
        self.from + (self.to - self.from) * position
    }

    /// Whether a value is inside the domain.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Ticks at round values (1, 2 or 5 times a power of ten apart) inside `[low, high]`, about
/// `wanted` of them, with labels of equal precision.
pub fn ticks(low: f64, high: f64, wanted: f64) -> Vec<(f64, String)> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return Vec::new();
    }
    let rough = span / wanted.max(1.0);
    let power = 10_f64.powf(rough.log10().floor());
    let step = match rough / power {
        r if r <= 1.0 => power,
        r if r <= 2.0 => 2.0 * power,
        r if r <= 5.0 => 5.0 * power,
        _ => 10.0 * power,
    };
    // The tolerance keeps the last tick when it should equal the end but for rounding.
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most a few dozen
    let steps = (last - first).clamp(0.0, 100.0) as usize;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 12
    let places = (-(step.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize;
    (0..=steps)
        .map(|i| {
            let value = (first + i as f64) * step;
            let label = if (1e-6..1e6).contains(&step) {
                crate::format::minus(&format!("{value:.places$}"))
            } else {
                crate::format::significant(value, 3)
            };
            (value, label)
        })
        .collect()
}

/// Ticks for weights on a square-root axis up to `high`, labelled in percent.
pub fn root_ticks(high: f64) -> Vec<(f64, String)> {
    const STEPS: [f64; 15] = [
        0.0, 0.000_01, 0.000_1, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0,
    ];
    let mut kept: Vec<(f64, String)> = Vec::new();
    for value in STEPS.into_iter().filter(|&value| value <= high) {
        let apart = |last: f64| (value / high).sqrt() - (last / high).sqrt() >= 0.075;
        if kept.last().is_none_or(|(last, _)| apart(*last)) {
            let percent = (value * 1e8).round() / 1e6;
            kept.push((value, percent.to_string()));
        }
    }
    kept
}

/// The smallest and largest finite value.
pub fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold(None, |range, value| match range {
            None => Some((value, value)),
            Some((low, high)) => Some((low.min(value), high.max(value))),
        })
}

/// The value at fraction `q` of the sorted finite values (the nearest above); 0 without any.
pub fn quantile(values: impl IntoIterator<Item = f64>, q: f64) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // inside the length
    let index = (q * sorted.len() as f64).ceil() as usize;
    let index = index.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(index).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let labels = |low, high| -> Vec<String> {
            let ticks = ticks(low, high, 5.0);
            ticks.into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(0.71, 0.93), ["0.75", "0.80", "0.85", "0.90"]);
        assert_eq!(labels(-2.0, 2.0), ["−2", "−1", "0", "1", "2"]);
        assert_eq!(labels(0.0, 0.3), ["0.0", "0.1", "0.2", "0.3"]);
        assert!(labels(1.0, 1.0).is_empty());
        assert!(labels(0.0, f64::INFINITY).is_empty());
    }

    #[test]
    fn weight_ticks_do_not_crowd() {
        for high in [1e-3, 0.02, 0.13, 0.4, 1.0] {
            let ticks = root_ticks(high);
            assert!(ticks.len() >= 3, "{high}: {ticks:?}");
        }
    }

    #[test]
    fn scales_hold_values_inside() {
        let scale = Scale::linear(1.0, 3.0, 0.0, 100.0);
        assert!((scale.at(2.0) - 50.0).abs() < 1e-12);
        assert!((scale.at(9.0) - 100.0).abs() < 1e-12);
        assert!((scale.at(f64::NAN)).abs() < 1e-12);
        let flat = Scale::linear(1.0, 1.0, 0.0, 100.0);
        assert!(flat.at(1.0).is_finite());
    }

    #[test]
    fn quantiles_count_from_the_sorted_values() {
        let values = [5.0, 1.0, 3.0, 2.0, 4.0];
        assert!((quantile(values, 0.95) - 5.0).abs() < 1e-12);
        assert!((quantile(values, 0.5) - 3.0).abs() < 1e-12);
        assert!(quantile([f64::NAN], 0.5).abs() < 1e-12);
    }
}

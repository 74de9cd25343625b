//! The unit that losses are fitted in, so that a fit does not depend on theirs.

use super::starts::range;

/// `y = shift + scale · y′`: laws with a constant and an exponential are fitted to `y′`.
///
/// Descents start at multiples of the least loss and stop at absolute precisions: losses that differ by little at a
/// great level, or are tiny or huge themselves, would be fitted badly. Ordinary losses have shift 0 and scale 1, so that
/// their fits have the bits that they had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LossUnit {
    shift: f64,
    scale: f64,
}

/// A level more than this many times the range of the losses is brought down to it. Measured swarms are at 25 at most.
const LEVEL: f64 = 50.0;
/// Greatest losses within these are fitted as they are.
const ORDINARY: std::ops::RangeInclusive<f64> = 1e-3..=1e3;

impl LossUnit {
    /// The unit of these losses. `rescaled` tells whether the law's objective allows another scale: a ridge on an
    /// amplitude does not.
    pub(crate) fn of(losses: &[f64], rescaled: bool) -> Self {
        let (least, most) = range(losses);
        let spread = most - least;
        let far = spread > 0.0 && least > LEVEL * spread;
        let shift = if far { least - LEVEL * spread } else { 0.0 };
        let scale = if rescaled { scale(most - shift) } else { 1.0 };
        Self { shift, scale }
    }

    /// The unit of losses that are fitted by a law of powers, without a constant: tiny losses get another scale. Large
    /// ones are ordinary there, as powers of small weights are.
    pub(crate) fn of_powers(losses: &[f64]) -> Self {
        let level = range(losses).1;
        let scale = if level < 1.0 { scale(level) } else { 1.0 };
        Self { shift: 0.0, scale }
    }

    /// `y′`.
    pub(crate) fn inside(&self, losses: &[f64]) -> Vec<f64> {
        let inside = |y: &f64| (y - self.shift) / self.scale;
        losses.iter().map(inside).collect()
    }

    /// What a quantity in the unit of the losses (Huber's δ) is in this one.
    pub(crate) fn size_inside(&self, size: f64) -> f64 {
        size / self.scale
    }

    /// What a weight of a penalty beside squared losses is here.
    pub(crate) fn ridge_inside(&self, ridge: f64) -> f64 {
        ridge / self.scale / self.scale
    }

    /// Squared losses of this unit in that of the losses.
    pub(crate) fn squares_outside(&self, squares: f64) -> f64 {
        squares * self.scale * self.scale
    }

    /// A coefficient that multiplies a term of a law, in the unit of the losses.
    pub(crate) fn coefficient_outside(&self, f: f64) -> f64 {
        self.scale * f
    }

    /// The constant of a law in the unit of the losses.
    pub(crate) fn constant_outside(&self, c: f64) -> f64 {
        self.shift + self.scale * c
    }

    /// A known constant in this unit, at least `least`.
    pub(crate) fn constant_inside(&self, c: f64, least: f64) -> f64 {
        ((c - self.shift) / self.scale).max(least)
    }

    /// What an exponent grows by outside: the exponential is multiplied by the scale.
    pub(crate) fn log_scale(&self) -> f64 {
        if self.scale == 1.0 {
            0.0
        } else {
            self.scale.ln()
        }
    }
}

/// What losses up to `level` are divided by: a power of two, so that scaling rounds nothing.
fn scale(level: f64) -> f64 {
    if ORDINARY.contains(&level) || !(level > 0.0 && level.is_finite()) {
        1.0
    } else {
        level.log2().round().exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_losses_are_fitted_as_they_are() {
        let losses = [1.5, 2.0, 2.75];
        let unit = LossUnit::of(&losses, true);
        assert_eq!(unit.inside(&losses), losses);
        assert_eq!((unit.constant_outside(1.25), unit.log_scale()), (1.25, 0.0));
    }

    #[test]
    fn far_levels_and_odd_scales_become_ordinary_ones() {
        let losses = [1.5, 2.0, 2.75];
        for (offset, factor) in [(1e6, 1.0), (0.0, 1e-9), (0.0, 1e7), (1e9, 1e6)] {
            let far: Vec<f64> = losses.iter().map(|y| offset + factor * y).collect();
            let unit = LossUnit::of(&far, true);
            let inside = unit.inside(&far);
            let (least, most) = range(&inside);
            assert!(least > 0.0 && ORDINARY.contains(&most), "{inside:?}");
            assert!(least / (most - least) < 1.01 * LEVEL, "{inside:?}");
            let back = unit.constant_outside(inside[1]);
            assert!((back / far[1] - 1.0).abs() < 1e-15);
        }
        assert_eq!(LossUnit::of(&[1e-9, 2e-9], false).scale, 1.0);
        assert_eq!(LossUnit::of(&[3.0, 3.0], true).inside(&[3.0]), [3.0]);
    }
}

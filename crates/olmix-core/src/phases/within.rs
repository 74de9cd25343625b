//! Mixtures of phases moved into bounds on single domains of each phase, with the run's amounts as they are.

use super::{PhaseBounds, Phases};

/// Why no mixtures of phases have a run's amounts within the bounds of the phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// The run has less of the domain (by position) than its least shares of the phases need.
    TooLittle(usize),
    /// The run has more of the domain than its greatest shares of the phases hold.
    TooMuch(usize),
    /// Each domain has room by itself, and all of them together have not.
    Together,
}

/// Slack of bounds against rounding.
const SLACK: f64 = 1e-12;
/// How far the amounts may be off at the end.
const CLOSE: f64 = 1e-9;
/// Rounds after which amounts that are not yet close never will be, or too slowly.
const ROUNDS: usize = 5000;

/// The mixtures nearest to `run` by alternating projections (in KL divergence) that are within the bounds and have
/// `amounts` in all. `run` has one mixture per phase, and is changed only where a bound is broken. Bounds on sums are
/// not looked at.
pub(crate) fn move_inside(
    phases: &Phases,
    amounts: &[f64],
    within: &[PhaseBounds],
    run: &mut [Vec<f64>],
) -> Result<(), NoRoom> {
    let pairs = || run.iter().zip(within);
    if pairs().all(|(mixture, bounds)| bounds.allow(mixture)) {
        return Ok(());
    }
    room(phases, amounts, within)?;
    for _ in 0..ROUNDS {
        for (mixture, bounds) in run.iter_mut().zip(within) {
            scale_within(mixture, bounds);
        }
        let mut off = 0.0_f64;
        for (j, &amount) in amounts.iter().enumerate() {
            let sum: f64 = phases
                .iter()
                .zip(&*run)
                .map(|(s, p)| s.fraction * p[j])
                .sum();
            off = off.max((sum - amount).abs());
            if sum > 0.0 {
                run.iter_mut().for_each(|p| p[j] *= amount / sum);
            }
        }
        if off <= CLOSE {
            // The bounds and the phases' sums are exact at the end, the amounts to `CLOSE`.
            for (mixture, bounds) in run.iter_mut().zip(within) {
                scale_within(mixture, bounds);
            }
            return Ok(());
        }
    }
    Err(NoRoom::Together)
}

/// Whether each domain's amount has room in the phases by itself.
pub(crate) fn room(phases: &Phases, amounts: &[f64], within: &[PhaseBounds]) -> Result<(), NoRoom> {
    for (j, &amount) in amounts.iter().enumerate() {
        let sum = |bound: &dyn Fn(&PhaseBounds) -> f64| -> f64 {
            let each = phases.iter().zip(within);
            each.map(|(phase, bounds)| phase.fraction * bound(bounds))
                .sum()
        };
        if amount < sum(&|bounds| bounds.lower[j]) - SLACK {
            return Err(NoRoom::TooLittle(j));
        }
        if amount > sum(&|bounds| bounds.upper[j]) + SLACK {
            return Err(NoRoom::TooMuch(j));
        }
    }
    Ok(())
}

/// Scales a mixture by one factor, cut to the bounds, so that it sums to 1: its projection in KL divergence.
fn scale_within(mixture: &mut [f64], bounds: &PhaseBounds) {
    let cut = |p: f64, j: usize, factor: f64| (factor * p).clamp(bounds.lower[j], bounds.upper[j]);
    let sum = |factor: f64| -> f64 {
        mixture
            .iter()
            .enumerate()
            .map(|(j, &p)| cut(p, j, factor))
            .sum()
    };
    // The sum grows with the factor: bracketed, then halved down to neighbouring numbers.
    let (mut low, mut high) = (0.0, 1.0);
    while sum(high) < 1.0 && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if sum(middle) < 1.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    for (j, p) in mixture.iter_mut().enumerate() {
        *p = cut(*p, j, high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phases::Phase;

    fn phases() -> Phases {
        let phase = |name: &str, fraction| Phase {
            name: name.to_owned(),
            fraction,
        };
        Phases::new(vec![phase("first", 0.8), phase("second", 0.2)]).unwrap()
    }

    /// At least `least` of domain 0 in the second phase, and at most `most` of domain 1 there.
    fn within(least: f64, most: f64) -> Vec<PhaseBounds> {
        let mut second = PhaseBounds::none(3);
        second.lower[0] = least;
        second.upper[1] = most;
        vec![PhaseBounds::none(3), second]
    }

    #[test]
    fn a_run_that_breaks_a_bound_is_moved_inside_with_its_amounts_as_they_were() {
        let amounts = [0.1, 0.6, 0.3];
        let (phases, within) = (phases(), within(0.3, 0.5));
        let mut run = vec![amounts.to_vec(); 2];
        move_inside(&phases, &amounts, &within, &mut run).unwrap();
        for (j, amount) in amounts.iter().enumerate() {
            let sum = 0.8 * run[0][j] + 0.2 * run[1][j];
            assert!((sum - amount).abs() < 1e-8, "{run:?}");
        }
        for mixture in &run {
            assert!((mixture.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        assert!((run[1][0] - 0.3).abs() < 1e-12);
        // What is left of both phases is as independent as before: domains 1 and 2 keep their ratio in each.
        for mixture in &run {
            assert!((mixture[1] / mixture[2] - 2.0).abs() < 1e-6, "{run:?}");
        }
    }

    #[test]
    fn amounts_without_room_are_refused_by_the_domain_that_lacks_it() {
        let phases = phases();
        let inside = |amounts: [f64; 3], least, most| {
            let mut run = vec![amounts.to_vec(); 2];
            move_inside(&phases, &amounts, &within(least, most), &mut run)
        };
        assert_eq!(
            inside([0.05, 0.6, 0.35], 0.3, 1.0),
            Err(NoRoom::TooLittle(0))
        );
        assert_eq!(inside([0.07, 0.63, 0.3], 0.3, 1.0), Ok(()));
        assert_eq!(
            inside([0.02, 0.95, 0.03], 0.0, 0.2),
            Err(NoRoom::TooMuch(1))
        );
        // 0.8 of the first phase and 0.2 of the second hold at most 0.84 of domain 1.
        assert_eq!(inside([0.1, 0.83, 0.07], 0.0, 0.2), Ok(()));
        assert_eq!(
            inside([0.1, 0.845, 0.055], 0.0, 0.2),
            Err(NoRoom::TooMuch(1))
        );
    }

    #[test]
    fn a_run_within_its_bounds_keeps_its_bits() {
        let amounts = [0.1, 0.6, 0.3];
        let mut run = vec![vec![0.05, 0.65, 0.3], vec![0.3, 0.4, 0.3]];
        let before = run.clone();
        move_inside(&phases(), &amounts, &within(0.3, 0.4), &mut run).unwrap();
        assert_eq!(run, before);
    }
}

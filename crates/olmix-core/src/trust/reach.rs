//! How far a mixture is from the runs that its laws were fitted to.

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, Par, Side};

use crate::law::{Basis, LawOptions};
use crate::{Swarm, total_variation};

/// A mixture beside the runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Reach {
    /// Row of the run whose mixture is nearest.
    pub nearest: usize,
    /// Its total variation distance: the share of the data that differs, in [0, 1].
    pub distance: f64,
    /// The greatest such distance of a run from the nearest run of another mixture.
    pub apart: f64,
    /// The variance of a prediction at the mixture, in the law's own features, in units of that of one run's noise:
    /// `h = x(p)ᵀ (XᵀX + ρI)⁻¹ x(p)`. `None` for laws that predict by likeness and not by features.
    pub leverage: Option<Leverage>,
}

/// See [`Reach::leverage`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leverage {
    /// `h` of the mixture, at least 0.
    pub mixture: f64,
    /// The greatest `h` of a run, at most 1.
    pub greatest: f64,
}

/// Where a mixture is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// As near to a run as runs are to each other.
    Near,
    /// Farther from every run than any run from its nearest, but within what they determine.
    Between,
    /// Where the runs determine the law less than at any of them: it extrapolates.
    Beyond,
}

impl Reach {
    /// Where the mixture is: beyond the runs where its leverage is above that of every run (Montgomery, Peck and
    /// Vining, Introduction to Linear Regression Analysis, section 3.8: hidden extrapolation). Without a leverage, by
    /// the distance.
    #[must_use]
    pub fn place(&self) -> Place {
        let far = self.distance > self.apart;
        match self.leverage {
            Some(leverage) if leverage.mixture > leverage.greatest => Place::Beyond,
            None if far => Place::Beyond,
            _ if far => Place::Between,
            _ => Place::Near,
        }
    }
}

/// `ρ`, in runs: as for the designs of [`crate::generate`].
const PRIOR: f64 = 3e-3;

/// So many runs are compared with all others for [`Reach::apart`]; of more, every so-and-so-many-th.
const COMPARED: usize = 1000;

/// How far `p` (length `m`) is from the runs of a swarm, for laws fitted with `options`; `None` without runs.
///
/// Domains that no run sampled are left out of the features: a proposal holds them. Costs `1000 K m` at most for the
/// distances and `d³ + K d²` for `d` features.
#[must_use]
pub fn reach(swarm: &Swarm, options: &LawOptions, p: &[f64]) -> Option<Reach> {
    let mixtures = swarm.mixtures();
    let nearest_of = |p: &[f64], least: f64| {
        let all = (0..mixtures.rows()).map(|run| (run, total_variation(mixtures.row(run), p)));
        let others = all.filter(|(_, distance)| *distance >= least);
        others.min_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (nearest, distance) = nearest_of(p, 0.0)?;
    // Replicates say nothing of how far runs are apart.
    let step = mixtures.rows().div_ceil(COMPARED);
    let apart = (0..mixtures.rows())
        .step_by(step)
        .filter_map(|run| nearest_of(mixtures.row(run), SAME))
        .map(|(_, distance)| distance)
        .fold(0.0, f64::max);
    let functions = options.design_functions();
    Some(Reach {
        nearest,
        distance,
        apart,
        leverage: functions.and_then(|functions| leverage(swarm, &functions, p)),
    })
}

/// Mixtures nearer than this are one mixture in two roundings.
const SAME: f64 = 1e-5;

fn leverage(swarm: &Swarm, functions: &[Basis], p: &[f64]) -> Option<Leverage> {
    let live = swarm.live_domains();
    let columns = 1 + functions.len() * live.len();
    let feature = |p: &[f64], column: usize| match column.checked_sub(1) {
        None => 1.0,
        Some(at) => functions[at / live.len()].value(p[live[at % live.len()]]),
    };
    let mixtures = swarm.mixtures();
    let runs = mixtures.rows();
    // One column per run, and the mixture's.
    let mut z = Mat::from_fn(columns, runs + 1, |column, run| {
        feature(if run < runs { mixtures.row(run) } else { p }, column)
    });
    let x = z.subcols(0, runs);
    let mut information = Mat::from_fn(columns, columns, |i, j| if i == j { PRIOR } else { 0.0 });
    // One thread: a sum split over several would not be the same bits on every machine.
    let (into, add) = (information.as_mut(), Accum::Add);
    matmul(into, add, x, x.transpose(), 1.0, Par::Seq);
    let factor = information.llt(Side::Lower).ok()?;
    solve_lower_triangular_in_place(factor.L(), z.as_mut(), Par::Seq);
    let of = |run: usize| z.col(run).squared_norm_l2();
    Some(Leverage {
        mixture: of(runs),
        greatest: (0..runs).map(of).fold(0.0, f64::max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::{BoostedTreesOptions, LogLinearOptions, SaturatingOptions};
    use crate::{Direction, DomainSet, Matrix, Task};

    fn swarm(rows: &[[f64; 3]]) -> Swarm {
        let task = Task {
            name: "t".into(),
            family: "t".into(),
            weight: 1.0,
            direction: Direction::Min,
            offset: 0.0,
        };
        Swarm::new(
            DomainSet::from_names(["a", "b", "c"]).unwrap(),
            vec![task],
            (0..rows.len()).map(|run| format!("r{run}")).collect(),
            Matrix::from_fn(rows.len(), 3, |run, j| rows[run][j]),
            Matrix::from_fn(rows.len(), 1, |_, _| 1.0),
        )
        .unwrap()
    }

    const ROWS: [[f64; 3]; 6] = [
        [0.3, 0.3, 0.4],
        [0.4, 0.2, 0.4],
        [0.2, 0.4, 0.4],
        [0.3, 0.4, 0.3],
        [0.35, 0.3, 0.35],
        [0.3, 0.3, 0.4],
    ];

    #[test]
    fn leverage_of_a_mixture_that_is_measured_falls_to_h_over_one_plus_h() {
        // Sherman and Morrison: (M + x xᵀ)⁻¹ gives h / (1 + h).
        let p = [0.8, 0.1, 0.1];
        for options in [
            LawOptions::LogLinear(LogLinearOptions::default()),
            LawOptions::Saturating(SaturatingOptions::default()),
        ] {
            let before = reach(&swarm(&ROWS), &options, &p).unwrap();
            let mut rows = ROWS.to_vec();
            rows.push(p);
            let after = reach(&swarm(&rows), &options, &p).unwrap();
            let (h, then) = (before.leverage.unwrap(), after.leverage.unwrap());
            assert!((then.mixture - h.mixture / (1.0 + h.mixture)).abs() < 1e-9);
            assert_eq!(
                (before.place(), after.place()),
                (Place::Beyond, Place::Near)
            );
            assert!(
                (then.greatest - then.mixture).abs() < 1e-12,
                "it is the outermost run"
            );
            assert_eq!((before.nearest, after.nearest), (1, 6));
            assert!((before.distance - 0.4).abs() < 1e-12 && after.distance == 0.0);
        }
    }

    #[test]
    fn a_mixture_between_the_runs_is_near_and_likeness_has_no_leverage() {
        let (runs, inside) = (swarm(&ROWS), [0.32, 0.31, 0.37]);
        let law = LawOptions::LogLinear(LogLinearOptions::default());
        let found = reach(&runs, &law, &inside).unwrap();
        assert_eq!(found.place(), Place::Near);
        // Replicates do not count as nearest: r1 is 0.1 from r0 and from r5, 0.05 from r4; r2 and r3 0.1 from r0.
        assert!((found.apart - 0.1).abs() < 1e-12);
        let trees = LawOptions::LightGbm(BoostedTreesOptions::default());
        let far = reach(&runs, &trees, &[0.8, 0.1, 0.1]).unwrap();
        assert_eq!((far.leverage, far.place()), (None, Place::Beyond));
    }
}

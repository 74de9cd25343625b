//! The joint law: fitted, asked about a size, drawn from.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::Scale;
use super::checkpoints::{Checkpoints, same_scale, short};
use super::curve::LevelCurve;
use super::profile::Profile;
use crate::random::{Purpose, generator};
use crate::trust::Interval;
use crate::{CoreError, Matrix, Swarm};

/// ρ is 1 before the spreads of a task are seen, with this standard deviation.
const EXPONENT_DEVIATION: f64 = 0.5;

/// The error of a spread, as a share of it.
const SPREAD_ERROR: f64 = 0.03;

/// Cells whose spread is below this share of the typical one say nothing of its logarithm.
const LEAST_SPREAD: f64 = 0.05;

/// A joint law over mixtures, parameters and tokens; see [the module](crate::scaling).
#[derive(Clone)]
pub struct ScalingLaw {
    /// The mixtures of the swarm, each once, with the losses of its last checkpoint.
    swarm: Swarm,
    runs: Checkpoints,
    profile: Profile,
    curve: LevelCurve,
    spreads: Vec<Spread>,
}

/// `log s = constant + exponent · log l` of a task.
#[derive(Debug, Clone, Copy)]
struct Spread {
    constant: f64,
    exponent: f64,
}

/// A size that was measured: its parameters, and the tokens of its last checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ScaleRange {
    /// The size at its last checkpoint.
    pub last: Scale,
    /// Checkpoints that count.
    pub checkpoints: usize,
    /// Mixtures that the last checkpoint has.
    pub mixtures: usize,
}

/// A size to fit at: what [`crate::FitSpec::scaling`] holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaled {
    /// The law of all sizes.
    pub law: std::sync::Arc<ScalingLaw>,
    /// The size that mixtures and losses are for.
    pub target: Scale,
}

/// The joint law as one resample of it has it.
#[derive(Debug, Clone)]
pub struct ScalingDraw {
    /// The swarm at the target.
    pub swarm: Swarm,
    /// How often the resample has each mixture, aligned with the swarm.
    pub counts: Vec<f64>,
}

impl std::fmt::Debug for ScalingLaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut law = f.debug_struct("ScalingLaw");
        law.field("sizes", &self.sizes()).finish_non_exhaustive()
    }
}

/// The same runs gave the same law.
impl PartialEq for ScalingLaw {
    fn eq(&self, other: &Self) -> bool {
        self.swarm == other.swarm
            && self.profile.levels == other.profile.levels
            && self.profile.effects == other.profile.effects
    }
}

impl ScalingLaw {
    /// Fits the joint law to a swarm, of which `scales` has the size of each run (length `K`). Runs of one mixture
    /// and one number of parameters are checkpoints of one run. Deterministic; a second for a thousand rows and 50
    /// tasks.
    ///
    /// # Errors
    /// [`CoreError::Shape`], [`CoreError::OutOfRange`] for a size that is not above 0, and [`CoreError::Unsupported`]
    /// where parameters or tokens do not vary, where sizes have fewer than three mixtures in common, and for tasks
    /// with values that are not above 0.
    pub fn fit(swarm: &Swarm, scales: &[Scale]) -> Result<Self, CoreError> {
        let runs = Checkpoints::new(swarm, scales)?;
        let profile = Profile::new(&runs, swarm)?;
        let curve = LevelCurve::new(&runs.cells, &profile.levels);
        let tasks = swarm.tasks().len();
        let spreads = (0..tasks).map(|i| spread(&runs, &profile, i)).collect();
        Ok(Self {
            swarm: swarm.subset(&runs.rows),
            runs,
            profile,
            curve,
            spreads,
        })
    }

    /// The swarm as it would be at a size: each mixture once, with the losses predicted there. A law fitted to it is
    /// the joint law at that size.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for a size that is not above 0.
    pub fn at(&self, scale: Scale) -> Result<Swarm, CoreError> {
        check(scale)?;
        self.with_levels(&self.curve.levels(scale))
    }

    /// Expected losses of the average mixture, one per task.
    #[must_use]
    pub fn levels(&self, scale: Scale) -> Vec<f64> {
        self.curve.levels(scale)
    }

    /// One of the laws that the runs leave possible, as a swarm at a size: exponents drawn by their probability, the
    /// shared error of every size drawn anew, and whole mixtures drawn with replacement. The same `number` and `seed`
    /// give the same draw.
    ///
    /// # Errors
    /// As [`ScalingLaw::at`].
    pub fn draw(&self, scale: Scale, seed: u64, number: u64) -> Result<ScalingDraw, CoreError> {
        check(scale)?;
        let mut rng = generator(seed, Purpose::Scaling, number);
        let count = self.swarm.len();
        let mut counts = vec![0.0; count];
        for _ in 0..count {
            counts[rng.random_range(0..count)] += 1.0;
        }
        let quantile: f64 = rng.random_range(0.0..1.0);
        let mut error = || {
            let normal: f64 = StandardNormal.sample(&mut rng);
            1.0 + self.curve.size_error * normal
        };
        let of_sizes: Vec<f64> = self.runs.sizes.iter().map(|_| error()).collect();
        // The runs of a size that was measured share the error that they have; to draw it is to move the curve.
        let known = self.runs.sizes.iter();
        let mut known = known.zip(&of_sizes);
        let known = known.find(|(size, _)| same_scale(**size, scale.parameters));
        let of_target = known.map_or_else(error, |(_, error)| 1.0 / error);
        let mut levels = self.profile.resampled_levels(&self.runs, &counts);
        for (c, cell) in self.runs.cells.iter().enumerate() {
            let row = levels.row_mut(c).iter_mut();
            row.for_each(|level| *level *= of_sizes[cell.size]);
        }
        let curve = self.curve.one(&self.runs.cells, &levels, quantile);
        let levels = self.curve.levels_of(&curve, scale);
        let levels: Vec<f64> = levels.iter().map(|level| level * of_target).collect();
        Ok(ScalingDraw {
            swarm: self.with_levels(&levels)?,
            counts,
        })
    }

    fn with_levels(&self, levels: &[f64]) -> Result<Swarm, CoreError> {
        let spread = |i: usize| {
            let Spread { constant, exponent } = self.spreads[i];
            (constant + exponent * levels[i].ln()).exp()
        };
        let spreads: Vec<f64> = (0..levels.len()).map(spread).collect();
        let loss = |k: usize, i: usize| levels[i] + spreads[i] * self.profile.effects.get(k, i);
        Swarm::new(
            self.swarm.domains().clone(),
            self.swarm.tasks().to_vec(),
            self.swarm.runs().to_vec(),
            self.swarm.mixtures().clone(),
            Matrix::from_fn(self.swarm.len(), levels.len(), loss),
        )
    }

    /// The sizes that were measured, ascending.
    #[must_use]
    pub fn sizes(&self) -> Vec<ScaleRange> {
        let last = self.runs.last_of_sizes().into_iter();
        last.map(|cell| ScaleRange {
            last: cell.scale,
            checkpoints: self
                .runs
                .cells
                .iter()
                .filter(|one| one.size == cell.size)
                .count(),
            mixtures: cell.losses.iter().flatten().count(),
        })
        .collect()
    }

    /// Rows of the swarm that do not count: checkpoints of the first quarter of a run or of fewer than three
    /// mixtures, and mixtures that were measured early in a run alone.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.runs.left_out
    }

    /// Central intervals of the exponents α and β with this coverage (in (0, 1)), priors and data taken together.
    #[must_use]
    pub fn exponents(&self, confidence: f64) -> (Interval, Interval) {
        let points: Vec<(f64, f64, f64)> = self.curve.exponents().collect();
        let of = |value: &dyn Fn(&(f64, f64, f64)) -> f64| {
            let mut sorted: Vec<(f64, f64)> = points.iter().map(|p| (value(p), p.2)).collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            let quantile = |q: f64| {
                let mut sum = 0.0;
                let reached = sorted.iter().find(|(_, probability)| {
                    sum += probability;
                    sum >= q
                });
                reached
                    .or(sorted.last())
                    .map_or(f64::NAN, |(value, _)| *value)
            };
            let tail = 0.5 * (1.0 - confidence);
            Interval {
                low: quantile(tail),
                high: quantile(1.0 - tail),
            }
        };
        (of(&|point| point.0), of(&|point| point.1))
    }

    /// By which factor the target lies beyond the largest parameters and the most tokens that were measured; 1 where
    /// it does not.
    #[must_use]
    pub fn beyond(&self, target: Scale) -> (f64, f64) {
        let largest = |value: &dyn Fn(&Scale) -> f64| {
            let cells = self.runs.cells.iter();
            cells.map(|cell| value(&cell.scale)).fold(0.0, f64::max)
        };
        let parameters = target.parameters / largest(&|scale| scale.parameters);
        let tokens = target.tokens / largest(&|scale| scale.tokens);
        (parameters.max(1.0), tokens.max(1.0))
    }
}

fn check(scale: Scale) -> Result<(), CoreError> {
    for (what, value) in [
        ("the parameters of the target", scale.parameters),
        ("the tokens of the target", scale.tokens),
    ] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(CoreError::OutOfRange {
                what,
                value,
                rule: "above 0",
            });
        }
    }
    Ok(())
}

impl std::fmt::Display for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (n, d) = (short(self.parameters), short(self.tokens));
        write!(f, "{n} parameters, {d} tokens")
    }
}

/// The line of `log s` over `log l` of a task, its slope pulled to 1.
fn spread(runs: &Checkpoints, profile: &Profile, task: usize) -> Spread {
    let cells = || runs.cells.iter().enumerate();
    let weight: f64 = cells().map(|(_, cell)| cell.weight).sum();
    let typical = cells().map(|(c, cell)| cell.weight * profile.spreads.get(c, task));
    let typical = typical.sum::<f64>() / weight;
    // A task that no mixture changes.
    if typical <= 0.0 {
        return Spread {
            constant: 0.0,
            exponent: 1.0,
        };
    }
    let points = || {
        let each = cells().map(|(c, cell)| {
            let (level, spread) = (profile.levels.get(c, task), profile.spreads.get(c, task));
            (cell.weight, level.ln(), spread)
        });
        let clear = each.filter(|(.., spread)| *spread >= LEAST_SPREAD * typical);
        clear.map(|(weight, x, spread)| (weight, x, spread.ln()))
    };
    let weight: f64 = points().map(|(w, ..)| w).sum();
    let mean_x = points().map(|(w, x, _)| w * x).sum::<f64>() / weight;
    let mean_y = points().map(|(w, _, y)| w * y).sum::<f64>() / weight;
    let xx: f64 = points().map(|(w, x, _)| w * (x - mean_x).powi(2)).sum();
    let xy: f64 = points()
        .map(|(w, x, y)| w * (x - mean_x) * (y - mean_y))
        .sum();
    let pull = (SPREAD_ERROR / EXPONENT_DEVIATION).powi(2);
    let exponent = (xy + pull) / (xx + pull);
    Spread {
        constant: mean_y - exponent * mean_x,
        exponent,
    }
}

//! Swarm reuse: old runs over a new domain set, and one law for swarms that were measured at different times.

use crate::law::{Basis, FittedLaw, LawOptions, LogLinear, Saturating};
use crate::{CoreError, DomainSet, Matrix, Swarm};

use super::{Lineage, Origin, run_weight};

/// Re-expresses old runs over the new domain set (Olmix, section 4.2): new domains get weight 0, a part gets
/// its share of its whole. Runs that used removed content are left out, and those that used revised content
/// of which it is not known how much changed ([`Lineage::changed`]); the second value names them. Other runs
/// on revised content get a weight in the fit ([`run_weight`]), beside the one that they have.
///
/// `natural` (length `m` of the new set) says how parts share their whole, in any unit.
///
/// # Errors
/// [`CoreError::Shape`] when the swarm is not over the old set.
pub fn re_express(
    swarm: &Swarm,
    lineage: &Lineage,
    natural: &[f64],
) -> Result<(Swarm, Vec<String>), CoreError> {
    re_express_by(swarm, lineage, natural, &run_weight)
}

/// As [`re_express`], with another rule for the weights.
pub(crate) fn re_express_by(
    swarm: &Swarm,
    lineage: &Lineage,
    natural: &[f64],
    rule: &dyn Fn(&[f64], &[(usize, f64)]) -> f64,
) -> Result<(Swarm, Vec<String>), CoreError> {
    if swarm.domains().len() != lineage.old.len() {
        return Err(CoreError::Shape {
            what: "domains of the old swarm",
            expected: lineage.old.len(),
            found: swarm.domains().len(),
        });
    }
    let removed = lineage.lost();
    let uses = |run: &usize| removed.iter().any(|&j| swarm.mixtures().get(*run, j) > 0.0);
    let (lost, kept): (Vec<usize>, Vec<usize>) = (0..swarm.len()).partition(uses);
    // The share of its old domain that each new one is.
    let mut whole = vec![0.0; lineage.old.len()];
    for (origin, size) in lineage.origins.iter().zip(natural) {
        if let Origin::Part(old) = origin {
            whole[*old] += size;
        }
    }
    let of = |run: usize, j: usize| match lineage.origins[j] {
        Origin::Kept(old) => swarm.mixtures().get(run, old),
        Origin::Revised(old) if lineage.changed[j].is_some() => swarm.mixtures().get(run, old),
        Origin::Part(old) if whole[old] > 0.0 => {
            swarm.mixtures().get(run, old) * natural[j] / whole[old]
        }
        _ => 0.0,
    };
    let re_expressed = Swarm::new(
        lineage.new.clone(),
        swarm.tasks().to_vec(),
        kept.iter().map(|&run| swarm.runs()[run].clone()).collect(),
        Matrix::from_fn(kept.len(), lineage.new.len(), |i, j| of(kept[i], j)),
        Matrix::from_fn(kept.len(), swarm.tasks().len(), |i, task| {
            swarm.losses().get(kept[i], task)
        }),
    )?;
    let changed: Vec<(usize, f64)> = lineage
        .changed
        .iter()
        .enumerate()
        .filter_map(|(j, changed)| Some((j, (*changed)?)))
        .collect();
    let own = |i: usize| swarm.weights().map_or(1.0, |weights| weights[kept[i]]);
    let weights = (0..kept.len()).map(|i| own(i) * rule(re_expressed.mixtures().row(i), &changed));
    let weights: Vec<f64> = weights.collect();
    let re_expressed = re_expressed.with_weights(weights)?;
    let lost = lost.into_iter().map(|run| swarm.runs()[run].clone());
    Ok((re_expressed, lost.collect()))
}

/// One law per task for several swarms.
#[derive(Debug, Clone, PartialEq)]
pub struct JointFit {
    /// The laws, at the level of the last swarm.
    pub laws: Vec<FittedLaw>,
    /// By swarm and task: by how much the logarithm of the reducible loss exceeds that of the last swarm, in
    /// nats.
    pub offsets: Vec<Vec<f64>>,
}

/// Fits one law per task to swarms over the same domains and tasks, with an offset per swarm and task: swarms
/// that were measured at different times differ in seeds, code and size of their proxies, which must not pass
/// for an effect of their mixtures.
///
/// The offset is a factor of the reducible loss: an indicator of the swarm among the domains of the design.
/// With one swarm this is its fit. Deterministic; costs what a fit of all runs costs.
///
/// # Errors
/// [`CoreError::Unsupported`] for swarms over different domains or tasks, for none, and for laws that know no
/// such offset (all but the log-linear and the saturating one in powers); those of [`LawOptions::fit`].
pub fn fit_joint(
    swarms: &[&Swarm],
    prior: &[f64],
    options: &LawOptions,
) -> Result<JointFit, CoreError> {
    let unsupported = |what: &str| Err(CoreError::Unsupported(what.to_owned()));
    let Some((last, _)) = swarms.split_last() else {
        return unsupported("a joint fit needs a swarm");
    };
    let alike = |swarm: &&&Swarm| {
        let names = swarm.domains().names().eq(last.domains().names());
        names && swarm.tasks() == last.tasks()
    };
    if !swarms.iter().all(|swarm| alike(&swarm)) {
        return unsupported(
            "swarms of a joint fit have the same domains and the same tasks, in one order",
        );
    }
    let powers = |bases: &[Basis]| bases.iter().all(|basis| matches!(basis, Basis::Power(_)));
    // A log-linear law has its level in its coefficients: an indicator of every swarm would be one too many.
    // A saturating one cannot go up, so each swarm has its own.
    let m = last.domains().len();
    let indicators = match options {
        LawOptions::LogLinear(_) => swarms.len() - 1,
        LawOptions::Saturating(options) if powers(&options.bases) && swarms.len() > 1 => {
            swarms.len()
        }
        LawOptions::Saturating(options) if powers(&options.bases) => 0,
        _ => {
            return unsupported(
                "only log-linear laws, and saturating ones in powers, have offsets of swarms",
            );
        }
    };
    let names = last.domains().names().map(str::to_owned);
    let indicator_names = (0..indicators).map(|s| format!("swarm {s} of a joint fit"));
    let rows: Vec<(usize, usize)> = swarms
        .iter()
        .enumerate()
        .flat_map(|(s, swarm)| (0..swarm.len()).map(move |run| (s, run)))
        .collect();
    let mixtures = Matrix::from_fn(rows.len(), m + indicators, |i, j| {
        let (s, run) = rows[i];
        if j < m {
            swarms[s].mixtures().get(run, j)
        } else {
            f64::from(u8::from(j - m == s))
        }
    });
    let all = Swarm::new(
        DomainSet::from_names(names.chain(indicator_names))?,
        last.tasks().to_vec(),
        rows.iter()
            .map(|&(s, run)| format!("{s}/{}", swarms[s].runs()[run]))
            .collect(),
        mixtures,
        Matrix::from_fn(rows.len(), last.tasks().len(), |i, task| {
            let (s, run) = rows[i];
            swarms[s].losses().get(run, task)
        }),
    )?;
    let all = match weights_of(swarms) {
        Some(weights) => all.with_weights(weights)?,
        None => all,
    };
    let mut prior = prior.to_vec();
    prior.resize(m + indicators, 0.0);
    let fitted = options.fit(&all, &prior, &|| ())?;
    let (mut laws, mut offsets) = (Vec::new(), vec![Vec::new(); swarms.len()]);
    for (law, _) in fitted {
        let (law, found) = split_offsets(law, m);
        laws.push(law);
        for (s, offsets) in offsets.iter_mut().enumerate() {
            offsets.push(found.get(s).copied().unwrap_or(0.0));
        }
    }
    Ok(JointFit { laws, offsets })
}

/// The weights of the runs of several swarms, where a run has one.
fn weights_of(swarms: &[&Swarm]) -> Option<Vec<f64>> {
    let any = swarms.iter().any(|swarm| swarm.weights().is_some());
    let of = |swarm: &&Swarm| match swarm.weights() {
        Some(weights) => weights.to_vec(),
        None => vec![1.0; swarm.len()],
    };
    any.then(|| swarms.iter().flat_map(of).collect())
}

/// Offsets between swarms of one kind of proxy are a few percent; a factor of e³ = 20 shows a law that its
/// runs do not determine.
const LARGEST_OFFSET: f64 = 3.0;

/// Several swarms as one, at the level of the last.
#[derive(Debug, Clone, PartialEq)]
pub struct Aligned {
    /// The runs of all swarms, those of earlier ones first; their names begin with `earlier-1/`, `earlier-2/`
    /// ….
    pub swarm: Swarm,
    /// By earlier swarm: what its losses, weighted over tasks, were on average above the last one's level.
    pub shifts: Vec<f64>,
}

/// Brings earlier swarms to the level of the last, so that all runs can be fitted, resampled and checked as
/// one swarm.
///
/// A joint law ([`fit_joint`]) says by what factor the reducible loss of each task was higher in each earlier
/// swarm; their losses are divided by it: `y' = c + (y − c) e^(−offset)`. A law fitted to the result is the
/// joint law, but for rounding and for Huber's bound, which counts the divided residuals. Costs one fit of
/// all runs; deterministic.
///
/// # Errors
/// Those of [`fit_joint`].
pub fn align(swarms: &[&Swarm], prior: &[f64], options: &LawOptions) -> Result<Aligned, CoreError> {
    let joint = fit_joint(swarms, prior, options)?;
    for (s, offsets) in joint.offsets.iter().enumerate() {
        if let Some(offset) = offsets
            .iter()
            .find(|offset| offset.abs() > LARGEST_OFFSET || offset.is_nan())
        {
            return Err(CoreError::Unsupported(format!(
                "the level of earlier swarm {} can't be told from its {} runs: a factor of e^{offset:.1} on \
                 a difference in reducible loss is not explained by seeds or code; leave that swarm out",
                s + 1,
                swarms[s].len()
            )));
        }
    }
    let floors: Vec<f64> = joint.laws.iter().map(FittedLaw::floor).collect();
    let last = swarms.len() - 1;
    let rows: Vec<(usize, usize)> = swarms
        .iter()
        .enumerate()
        .flat_map(|(s, swarm)| (0..swarm.len()).map(move |run| (s, run)))
        .collect();
    let loss = |s: usize, run: usize, task: usize| {
        let measured = swarms[s].losses().get(run, task);
        if s == last {
            return measured;
        }
        floors[task] + (measured - floors[task]) * (-joint.offsets[s][task]).exp()
    };
    let newest = swarms[last];
    let swarm = Swarm::new(
        newest.domains().clone(),
        newest.tasks().to_vec(),
        rows.iter()
            .map(|&(s, run)| {
                let name = &swarms[s].runs()[run];
                if s == last {
                    name.clone()
                } else {
                    format!("earlier-{}/{name}", s + 1)
                }
            })
            .collect(),
        Matrix::from_fn(rows.len(), newest.domains().len(), |i, j| {
            let (s, run) = rows[i];
            swarms[s].mixtures().get(run, j)
        }),
        Matrix::from_fn(rows.len(), newest.tasks().len(), |i, task| {
            let (s, run) = rows[i];
            loss(s, run, task)
        }),
    )?;
    let swarm = match weights_of(swarms) {
        Some(weights) => swarm.with_weights(weights)?,
        None => swarm,
    };
    let weights = newest.task_weights();
    let shift = |s: usize| {
        let runs = swarms[s].len().max(1) as f64;
        let of_task = |task: usize| {
            let sum: f64 = (0..swarms[s].len())
                .map(|run| swarms[s].losses().get(run, task) - loss(s, run, task))
                .sum();
            weights[task] * sum / runs
        };
        (0..weights.len()).map(of_task).sum()
    };
    Ok(Aligned {
        shifts: (0..last).map(shift).collect(),
        swarm,
    })
}

/// A law over `m` domains and indicators of swarms as the law of the last swarm, and the others' offsets to
/// it.
fn split_offsets(law: FittedLaw, m: usize) -> (FittedLaw, Vec<f64>) {
    match law {
        FittedLaw::LogLinear(law) => {
            let mut t = law.t;
            let offsets = t.split_off(m);
            (LogLinear { t, ..law }.into(), offsets)
        }
        FittedLaw::Saturating(mut law) => {
            // φ(1) = 1 for powers.
            let mut levels: Vec<f64> = Vec::new();
            for v in &mut law.v {
                let of_swarms = v.split_off(m);
                levels.resize(of_swarms.len(), 0.0);
                for (level, v) in levels.iter_mut().zip(of_swarms) {
                    *level -= v;
                }
            }
            let last = levels.last().copied().unwrap_or(0.0);
            let offsets = levels.iter().map(|level| level - last).collect();
            let level = law.level + last;
            (Saturating { level, ..law }.into(), offsets)
        }
        other => (other, Vec::new()),
    }
}

//! One history of mixtures: a method follows the data through all updates, and the oracle measures its swarms.

use super::Method;
use super::case::{FREED_BY_HAND, Stage};
use super::told::{Told, content, true_coefficients};
use crate::generate::d_optimal;
use crate::law::{FittedLaw, Law, LawOptions};
use crate::optimize::{ExactProblem, solve_exact};
use crate::random::{Purpose, generator};
use crate::reuse::{
    Collapse, Coupling, FreeOptions, VirtualDomain, VirtualKl, carry, choose_free, coefficients,
    fit_joint,
};
use crate::study::swarm_size::DEFAULT_DRAWS;
use crate::{Constraints, CoreError, Matrix, Mixture, Oracle, Swarm};

/// Number of a stage's second draw, beyond those of first ones.
const EXTRA: usize = 100;

/// Draws that each run of a designed swarm is chosen from. With three runs per domain 5 and 20 are as good; with 40 a
/// design is all extremes.
const CANDIDATES: usize = 10;

/// Swarms are as large as a power of two near `c (domains + 1)`, as the paper's: at least this.
const LEAST_RUNS: usize = 4;

/// What all methods share.
pub(super) struct World<'a> {
    pub oracle: &'a Oracle,
    pub stages: &'a [Stage],
    /// The law that is fitted.
    pub options: &'a LawOptions,
    pub task_weights: &'a [f64],
    /// `R` and `k`.
    pub target_tokens: f64,
    pub repetition_factor: f64,
    pub kl_reg: f64,
    /// Runs per domain, about.
    pub c: f64,
    /// Whether swarms are chosen from many draws, for the most information; they are draws otherwise.
    pub designed: bool,
    pub seed: u64,
}

/// Where a method stands.
pub(super) struct Reached {
    /// The mixture of the last stage.
    pub mixture: Vec<f64>,
    /// Runs that were trained, over all stages.
    pub runs: usize,
    /// Domains that were freed, in all stages.
    pub freed: usize,
    /// Whether the domain that the paper freed by hand was among them when code was added.
    pub as_by_hand: bool,
    /// What freezing cost, by update; for methods that freeze.
    pub steps: Vec<Step>,
    /// By frozen domain, when code was added; for the method that frees by coupling.
    pub coupling: Vec<Coupled>,
}

/// How a frozen domain is coupled with an update.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coupled {
    /// What it adds to `κ` (in squares), by the laws that were fitted to the pilot, and by the oracle's.
    pub coupling: [f64; 2],
    /// Whether it is worth freeing, by either.
    pub freed: [bool; 2],
}

/// What the ratios that an update kept cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Number of the update, from 0.
    pub update: usize,
    /// `‖p̃ − q*_fix‖`, over the frozen domains: from the ratios of the full optimum.
    pub reuse_gap: f64,
    /// By how much the best mixture with these ratios is worse than the full optimum, relative to the loss.
    pub performance_gap: f64,
}

/// `c (domains + 1)` to the nearest power of two, the smaller of two as near: the paper's numbers of runs.
pub(super) fn swarm_runs(c: f64, domains: usize) -> usize {
    let wanted = c * (domains + 1) as f64;
    let below = 2_f64.powf(wanted.log2().floor());
    let nearest = if wanted - below <= 2.0 * below - wanted {
        below
    } else {
        2.0 * below
    };
    (nearest as usize).max(LEAST_RUNS)
}

impl World<'_> {
    /// Follows the data through every stage.
    pub fn follow(&self, method: Method) -> Result<Reached, CoreError> {
        let mut reached = Reached {
            mixture: self.stages[0].natural(),
            runs: 0,
            freed: 0,
            as_by_hand: false,
            steps: Vec::new(),
            coupling: Vec::new(),
        };
        let mut past: Vec<Swarm> = Vec::new();
        for (number, stage) in self.stages.iter().enumerate() {
            if method == Method::Natural {
                reached.mixture = stage.natural();
            } else if number == 0 && method == Method::FullReuseExact {
                reached.mixture = self.best(stage, &Collapse::new(stage.domains(), &[])?)?;
            } else if number == 0 || method == Method::Recompute {
                let free = Collapse::new(stage.domains(), &[])?;
                let swarm = self.swarm(stage, &free, number)?;
                reached.runs += swarm.len();
                let laws = self.fit(&swarm, &free, stage)?;
                reached.mixture = self.solve(stage, &free, &laws)?;
                past.push(swarm);
            } else {
                self.update(method, number, &mut past, &mut reached)?;
            }
        }
        Ok(reached)
    }

    /// An update by a method that reuses something.
    fn update(
        &self,
        method: Method,
        number: usize,
        past: &mut Vec<Swarm>,
        reached: &mut Reached,
    ) -> Result<(), CoreError> {
        let stage = &self.stages[number];
        let lineage = &stage.lineage;
        for swarm in past.iter_mut() {
            *swarm = carry(swarm, lineage, &stage.natural())?.0;
        }
        past.retain(|swarm| !swarm.is_empty());
        let old = Mixture::new(lineage.old.clone(), reached.mixture.clone())?;
        let frozen = |free: &[usize]| freeze(stage, &old, free);
        let freezes = !matches!(method, Method::SwarmReuse | Method::JointFree);
        if lineage.is_removal() {
            let kept = frozen(&[])?;
            if freezes {
                reached.steps.push(self.step(number, &kept)?);
            }
            reached.mixture = kept.expand(&[1.0]);
            return Ok(());
        }
        if method == Method::FullReuseExact {
            let kept = frozen(&[])?;
            reached.steps.push(self.step(number, &kept)?);
            reached.mixture = self.best(stage, &kept)?;
            return Ok(());
        }
        let by_hand = lineage.new.position(FREED_BY_HAND);
        let by_hand = by_hand.filter(|_| method == Method::PartialByHand && stage.adds_code);
        let mut kept = frozen(by_hand.as_slice())?;
        let all = Collapse::new(&lineage.new, &[])?;
        let drawn = if method == Method::SwarmReuse {
            &all
        } else {
            &kept
        };
        let count = self.runs(kept.collapsed().len());
        let mut swarm = self.measure(stage, drawn, count, number)?;
        if method == Method::PartialAutomatic {
            let laws = coefficients(&self.joint(past, &swarm, stage)?, &stage.prior);
            let free = worth_freeing(stage, &kept, &laws);
            if stage.adds_code {
                reached.coupling = self.coupling(stage, &kept, &laws, &free)?;
            }
            if !free.is_empty() {
                kept = frozen(&free)?;
                // The pilot's runs are runs of the larger swarm, too.
                let more = (self.c * free.len() as f64).ceil() as usize;
                let added = self.measure(stage, &kept, more, EXTRA + number)?;
                swarm = together(&swarm, &added)?;
                reached.freed += free.len();
                let named = |j: &usize| lineage.new.name(*j) == FREED_BY_HAND;
                reached.as_by_hand |= stage.adds_code && free.iter().any(named);
            }
        }
        if freezes {
            reached.steps.push(self.step(number, &kept)?);
        }
        reached.runs += swarm.len();
        reached.mixture = match method {
            Method::SwarmReuse | Method::JointFree => {
                self.solve(stage, &all, &self.joint(past, &swarm, stage)?)?
            }
            Method::Joint | Method::PartialAutomatic => {
                let laws = self.joint(past, &swarm, stage)?;
                let laws: Option<Vec<FittedLaw>> = laws.iter().map(|law| kept.law(law)).collect();
                let laws = laws.ok_or_else(|| {
                    CoreError::Unsupported("this law has no form over virtual domains".into())
                })?;
                self.solve(stage, &kept, &laws)?
            }
            _ => self.solve(stage, &kept, &self.fit(&swarm, &kept, stage)?)?,
        };
        past.push(swarm);
        Ok(())
    }

    /// How the frozen domains are coupled with an update, by coefficients of fitted laws, of which some were freed for it.
    fn coupling(
        &self,
        stage: &Stage,
        kept: &Collapse,
        fitted: &[Vec<f64>],
        free: &[usize],
    ) -> Result<Vec<Coupled>, CoreError> {
        let known = true_coefficients(self.oracle.laws(), stage)?;
        let truly_free = worth_freeing(stage, kept, &known);
        let frozen = frozen(stage);
        let by_domain = |laws: &[Vec<f64>]| Coupling::new(laws, &frozen).by_domain;
        let both = [by_domain(fitted), by_domain(&known)];
        let of = |j: usize| Coupled {
            coupling: [both[0][j], both[1][j]],
            freed: [free.contains(&j), truly_free.contains(&j)],
        };
        Ok(stage.lineage.unaffected().into_iter().map(of).collect())
    }

    /// What frozen ratios cost after an update, by the oracle.
    fn step(&self, number: usize, kept: &Collapse) -> Result<Step, CoreError> {
        let stage = &self.stages[number];
        let full = self.best(stage, &Collapse::new(stage.domains(), &[])?)?;
        let reused = self.best(stage, kept)?;
        let frozen = kept.members(0);
        let weight: f64 = frozen.iter().map(|&(j, _)| full[j]).sum();
        let squares = frozen
            .iter()
            .map(|&(j, share)| (share - full[j] / weight.max(f64::MIN_POSITIVE)).powi(2));
        let loss = |q: &[f64]| self.oracle.loss(&stage.told(q));
        Ok(Step {
            update: number - 1,
            reuse_gap: squares.sum::<f64>().sqrt(),
            performance_gap: loss(&reused) / loss(&full) - 1.0,
        })
    }

    /// Runs of a swarm. A designed one tries every domain, and its law needs a run more than there are; of few draws,
    /// each leaves out much, and all of them leave out some domains.
    fn runs(&self, domains: usize) -> usize {
        let runs = swarm_runs(self.c, domains);
        if self.designed {
            runs.max(domains + 1)
        } else {
            runs
        }
    }

    /// A swarm as the paper's, over collapsed domains.
    fn swarm(&self, stage: &Stage, collapse: &Collapse, number: usize) -> Result<Swarm, CoreError> {
        let count = self.runs(collapse.collapsed().len());
        self.measure(stage, collapse, count, number)
    }

    /// Draws mixtures of collapsed domains, and has the oracle train on them: a swarm over the stage's domains.
    fn measure(
        &self,
        stage: &Stage,
        collapse: &Collapse,
        count: usize,
        draw: usize,
    ) -> Result<Swarm, CoreError> {
        let mut rng = generator(self.seed, Purpose::Study, draw as u64);
        let prior = collapse.collapse(&stage.prior);
        let candidates = if self.designed {
            count * CANDIDATES
        } else {
            count
        };
        let candidates: Vec<Vec<f64>> = (0..candidates)
            .map(|_| DEFAULT_DRAWS.mixture(&prior, &mut rng))
            .collect();
        let chosen = if self.designed {
            d_optimal(&candidates, count, &|| ())
        } else {
            (0..count).collect()
        };
        let drawn: Vec<Vec<f64>> = chosen
            .into_iter()
            .map(|k| collapse.expand(&candidates[k]))
            .collect();
        let told: Vec<Vec<f64>> = drawn.iter().map(|q| stage.told(q)).collect();
        let noise = self.seed.wrapping_mul(1000).wrapping_add(draw as u64);
        let measured = self.oracle.train(&told, noise)?;
        Swarm::new(
            stage.domains().clone(),
            measured.tasks().to_vec(),
            measured.runs().to_vec(),
            Matrix::from_fn(count, stage.domains().len(), |run, j| drawn[run][j]),
            measured.losses().clone(),
        )
    }

    /// Laws over collapsed domains of runs that keep their ratios.
    fn fit(
        &self,
        swarm: &Swarm,
        collapse: &Collapse,
        stage: &Stage,
    ) -> Result<Vec<FittedLaw>, CoreError> {
        let rows: Vec<Vec<f64>> = (0..swarm.len())
            .map(|run| collapse.collapse(swarm.mixtures().row(run)))
            .collect();
        let collapsed = collapse.collapsed();
        let swarm = Swarm::new(
            collapsed.clone(),
            swarm.tasks().to_vec(),
            swarm.runs().to_vec(),
            Matrix::from_fn(rows.len(), collapsed.len(), |run, v| rows[run][v]),
            swarm.losses().clone(),
        )?;
        let fitted = self
            .options
            .fit(&swarm, &collapse.collapse(&stage.prior), &|| ())?;
        Ok(fitted.into_iter().map(|(law, _)| law).collect())
    }

    /// Laws over all of the stage's domains, of all runs there are.
    fn joint(
        &self,
        past: &[Swarm],
        swarm: &Swarm,
        stage: &Stage,
    ) -> Result<Vec<FittedLaw>, CoreError> {
        let swarms: Vec<&Swarm> = past.iter().chain([swarm]).collect();
        Ok(fit_joint(&swarms, &stage.prior, self.options)?.laws)
    }

    /// The truly best mixture of collapsed domains, expanded: by the oracle's own laws.
    fn best(&self, stage: &Stage, collapse: &Collapse) -> Result<Vec<f64>, CoreError> {
        if collapse.collapsed().len() == 1 {
            return Ok(collapse.expand(&[1.0]));
        }
        let content = content(stage, collapse);
        let laws = self.oracle.laws().iter();
        let told = |law| Told::new(law, &content, stage.width());
        let laws: Vec<Told<'_>> = laws.map(told).collect();
        self.solve(stage, collapse, &laws)
    }

    /// The best mixture of collapsed domains, expanded.
    fn solve<L: Law>(
        &self,
        stage: &Stage,
        collapse: &Collapse,
        laws: &[L],
    ) -> Result<Vec<f64>, CoreError> {
        let constraints = Constraints::none(stage.domains().len()).with_repetition(
            stage.domains(),
            self.target_tokens,
            self.repetition_factor,
        )?;
        let solution = solve_exact(&ExactProblem {
            domains: collapse.collapsed(),
            laws,
            task_weights: self.task_weights,
            reference: &collapse.reference(&stage.prior, VirtualKl::Expanded),
            kl_reg: self.kl_reg,
            linear: None,
            constraints: &collapse.constraints(&constraints)?,
        })?;
        Ok(collapse.expand(&solution.weights))
    }
}

/// Which domains the update left alone.
fn frozen(stage: &Stage) -> Vec<bool> {
    let unaffected = stage.lineage.unaffected();
    let all = 0..stage.domains().len();
    all.map(|j| unaffected.contains(&j)).collect()
}

/// Which frozen domains are coupled with the update, by coefficients of laws.
fn worth_freeing(stage: &Stage, kept: &Collapse, laws: &[Vec<f64>]) -> Vec<usize> {
    let shares = kept.expand(&kept.collapse(&stage.prior));
    let found = choose_free(laws, &frozen(stage), &shares, FreeOptions::default());
    found.iter().map(|freed| freed.domain).collect()
}

/// Everything the update left alone at its old ratios, apart from some domains.
fn freeze(stage: &Stage, old: &Mixture, free: &[usize]) -> Result<Collapse, CoreError> {
    let set = stage.domains();
    let frozen = stage.lineage.unaffected().into_iter();
    let frozen: Vec<&str> = frozen
        .filter(|j| !free.contains(j))
        .map(|j| set.name(j))
        .collect();
    Collapse::new(set, &[VirtualDomain::frozen("existing", &frozen, old)?])
}

/// The runs of two swarms over the same domains and tasks, measured alike.
fn together(a: &Swarm, b: &Swarm) -> Result<Swarm, CoreError> {
    let both = |x: &Matrix, y: &Matrix| {
        Matrix::from_fn(x.rows() + y.rows(), x.columns(), |i, j| {
            if i < x.rows() {
                x.get(i, j)
            } else {
                y.get(i - x.rows(), j)
            }
        })
    };
    Swarm::new(
        a.domains().clone(),
        a.tasks().to_vec(),
        a.runs().iter().chain(b.runs()).cloned().collect(),
        both(a.mixtures(), b.mixtures()),
        both(a.losses(), b.losses()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_runs_are_the_papers() {
        let full = [24, 39, 45, 45, 44, 64].map(|m| swarm_runs(3.0, m));
        assert_eq!(full, [64, 128, 128, 128, 128, 256]);
        let reuse = [24, 16, 7, 2, 22].map(|m| swarm_runs(3.0, m));
        assert_eq!(reuse, [64, 64, 16, 8, 64]);
    }
}

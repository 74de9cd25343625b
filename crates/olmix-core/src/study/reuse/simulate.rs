//! One history of mixtures: plans follow the data through all updates, and the oracle measures their swarms.

use super::case_study::{FREED_BY_HAND, Stage};
use super::measures::{DomainCoupling, UpdateGaps, coupling, gaps};
use super::methods::{Freeing, Method, Variant};
use super::stage_solver::StageSolver;
use crate::generate::d_optimal;
use crate::law::{FittedLaw, LawOptions};
use crate::random::{Purpose, generator};
use crate::reuse::{
    CANDIDATES_PER_RUN, Collapse, FreeDomain, FreeOptions, FreeReason, LEAST_OLD_RUNS, PlanError,
    PlanInputs, PlanRequest, ReuseMethod, ReusePlan, RunRule, choose_free, coefficients, fit_joint,
    re_express, remaining_mixture, sampling_center,
};
use crate::study::swarm_size::DEFAULT_DRAWS;
use crate::{CoreError, Matrix, Mixture, Swarm};

/// Number of an update's second draw, beyond those of first draws.
const SECOND_DRAW: usize = 100;

/// What all methods share.
pub(super) struct ReuseSimulation<'a> {
    /// Solves over a stage's domains; has the oracle that stands in for training.
    pub solver: StageSolver<'a>,
    /// The states of the data, in order.
    pub stages: &'a [Stage],
    /// The law that is fitted.
    pub options: &'a LawOptions,
    /// `c`, runs per domain.
    pub c: f64,
    /// Seed of draws and noise.
    pub seed: u64,
}

/// Where a method arrives after the last stage.
pub(super) struct Outcome {
    /// The mixture of the last stage.
    pub mixture: Vec<f64>,
    /// Runs that were trained, over all stages.
    pub runs: usize,
    /// Domains that were freed for their coupling, over all stages.
    pub freed: usize,
    /// Whether the domain that the paper freed by hand was among them when code was added.
    pub as_by_hand: bool,
    /// The cost of kept ratios by update; for methods that keep ratios.
    pub gaps: Vec<UpdateGaps>,
    /// By frozen domain, when code was added; for the method that frees by a pilot.
    pub coupling: Vec<DomainCoupling>,
}

impl ReuseSimulation<'_> {
    /// Follows the data through every stage.
    pub fn run(&self, method: Method) -> Result<Outcome, CoreError> {
        let mut outcome = Outcome {
            mixture: self.stages[0].natural(),
            runs: 0,
            freed: 0,
            as_by_hand: false,
            gaps: Vec::new(),
            coupling: Vec::new(),
        };
        let mut past: Vec<Swarm> = Vec::new();
        for (number, stage) in self.stages.iter().enumerate() {
            match method {
                Method::Natural => outcome.mixture = stage.natural(),
                Method::FullReuseExact => self.update_exactly(number, &mut outcome)?,
                Method::Planned(variant) if number == 0 => {
                    let plan = ReusePlan::first(stage.domains(), variant.run_rule(self.c), None);
                    let swarm = self.measure(stage, &plan, variant, plan.runs, number)?;
                    self.finish(stage, &plan, swarm, &mut past, &mut outcome)?;
                }
                Method::Planned(variant) => {
                    self.update(variant, number, &mut past, &mut outcome)?;
                }
            }
        }
        Ok(outcome)
    }

    /// A stage of full reuse with the oracle's own laws.
    fn update_exactly(&self, number: usize, outcome: &mut Outcome) -> Result<(), CoreError> {
        let stage = &self.stages[number];
        if number == 0 {
            outcome.mixture = self
                .solver
                .best(stage, &Collapse::new(stage.domains(), &[])?)?;
            return Ok(());
        }
        let old = Mixture::new(stage.lineage.old.clone(), outcome.mixture.clone())?;
        let inputs = PlanInputs {
            lineage: &stage.lineage,
            mixture: &old,
            run_rule: RunRule::new(self.c),
            old_runs: 0,
            worth_freeing: None,
            request: PlanRequest::default(),
        };
        let plan = planned(&inputs, ReuseMethod::FullReuse, &[])?;
        let kept = Collapse::new(stage.domains(), &plan.frozen)?;
        outcome.gaps.push(gaps(&self.solver, number, stage, &kept)?);
        outcome.mixture = if plan.runs == 0 {
            remaining_mixture(
                stage.domains(),
                &plan.frozen[0],
                &self.solver.constraints(stage)?,
            )?
            .weights
        } else {
            self.solver.best(stage, &kept)?
        };
        Ok(())
    }

    /// An update by a plan.
    fn update(
        &self,
        variant: Variant,
        number: usize,
        past: &mut Vec<Swarm>,
        outcome: &mut Outcome,
    ) -> Result<(), CoreError> {
        let stage = &self.stages[number];
        let lineage = &stage.lineage;
        for swarm in past.iter_mut() {
            *swarm = re_express(swarm, lineage, &stage.prior)?.0;
        }
        past.retain(|swarm| swarm.len() >= LEAST_OLD_RUNS);
        let old = Mixture::new(lineage.old.clone(), outcome.mixture.clone())?;
        let by_hand = lineage.new.position(FREED_BY_HAND);
        let by_hand = by_hand.filter(|_| variant.free == Freeing::ByHand && stage.adds_code);
        let free = by_hand.as_slice();
        let mut inputs = PlanInputs {
            lineage,
            mixture: &old,
            run_rule: variant.run_rule(self.c),
            old_runs: past.iter().map(Swarm::len).sum(),
            worth_freeing: None,
            request: PlanRequest {
                // Partial reuse with nothing to free is full reuse; a pilot is planned so, too.
                method: match variant.method {
                    Some(ReuseMethod::PartialReuse) if free.is_empty() => {
                        Some(ReuseMethod::FullReuse)
                    }
                    method => method,
                },
                names_free: !free.is_empty(),
                fit_old_runs: variant.old_runs,
                ..PlanRequest::default()
            },
        };
        let (method, _) = inputs.choose();
        let mut plan = planned(&inputs, method, free)?;
        if plan.runs == 0 {
            if variant.keeps_ratios() {
                let kept = Collapse::new(stage.domains(), &plan.frozen)?;
                outcome.gaps.push(gaps(&self.solver, number, stage, &kept)?);
            }
            let constraints = self.solver.constraints(stage)?;
            let rest = remaining_mixture(stage.domains(), &plan.frozen[0], &constraints)?;
            outcome.mixture = rest.weights;
            return Ok(());
        }
        let mut swarm = self.measure(stage, &plan, variant, plan.runs, number)?;
        if variant.free == Freeing::ByPilot {
            let laws = coefficients(&self.joint(past, &swarm, stage)?, &stage.prior);
            let kept = Collapse::new(stage.domains(), &plan.frozen)?;
            let found = choose_free(
                &laws,
                &stage.unaffected(),
                &kept.expand(&kept.collapse(&stage.prior)),
                FreeOptions::default(),
            );
            if stage.adds_code {
                outcome.coupling = coupling(self.solver.oracle, stage, &kept, &laws, &found)?;
            }
            inputs.worth_freeing = Some(&found);
            plan = planned(&inputs, ReuseMethod::PartialReuse, &[])?;
            if plan.runs > swarm.len() {
                let more = plan.runs - swarm.len();
                let added = self.measure(stage, &plan, variant, more, SECOND_DRAW + number)?;
                swarm = together(&swarm, &added)?;
            }
            let coupled = |free: &&FreeDomain| matches!(free.reason, FreeReason::Coupled { .. });
            outcome.freed += plan.free.iter().filter(coupled).count();
            let mut freed = plan.free.iter().filter(coupled);
            outcome.as_by_hand |= stage.adds_code && freed.any(|f| f.domain == FREED_BY_HAND);
        }
        if variant.keeps_ratios() {
            let kept = Collapse::new(stage.domains(), &plan.frozen)?;
            outcome.gaps.push(gaps(&self.solver, number, stage, &kept)?);
        }
        self.finish(stage, &plan, swarm, past, outcome)
    }

    /// Fits the laws of a plan to its swarm, and solves.
    fn finish(
        &self,
        stage: &Stage,
        plan: &ReusePlan,
        swarm: Swarm,
        past: &mut Vec<Swarm>,
        outcome: &mut Outcome,
    ) -> Result<(), CoreError> {
        let kept = Collapse::new(stage.domains(), &plan.frozen)?;
        let laws = if plan.fits_old_runs {
            let laws = self.joint(past, &swarm, stage)?;
            let laws: Option<Vec<FittedLaw>> = laws.iter().map(|law| kept.law(law)).collect();
            laws.ok_or_else(|| {
                CoreError::Unsupported("this law has no form over virtual domains".into())
            })?
        } else {
            self.fit(&swarm, &kept, stage)?
        };
        outcome.mixture = self.solver.solve(stage, &kept, &laws)?;
        outcome.runs += swarm.len();
        past.push(swarm);
        Ok(())
    }

    /// Draws `count` mixtures for a plan, and has the oracle train on them: a swarm over the stage's domains.
    pub(super) fn measure(
        &self,
        stage: &Stage,
        plan: &ReusePlan,
        variant: Variant,
        count: usize,
        draw: usize,
    ) -> Result<Swarm, CoreError> {
        let (paper, m) = (variant.paper_swarms, stage.domains().len());
        let over_all = paper && plan.method == ReuseMethod::SwarmReuse;
        let collapse = Collapse::new(
            stage.domains(),
            if over_all { &[] } else { plan.drawn.as_slice() },
        )?;
        let center = if paper {
            stage.prior.clone()
        } else {
            let is_new: Vec<bool> = stage.unaffected().into_iter().map(|kept| !kept).collect();
            sampling_center(&stage.prior, &is_new)
        };
        let center = collapse.collapse(&center);
        let designed = plan.designed && !paper;
        let draws = if designed {
            count * CANDIDATES_PER_RUN
        } else {
            count
        };
        let mut rng = generator(self.seed, Purpose::Study, draw as u64);
        let candidates: Vec<Vec<f64>> = (0..draws)
            .map(|_| DEFAULT_DRAWS.mixture(&center, &mut rng))
            .collect();
        let chosen = if designed {
            d_optimal(&candidates, &[], count, &|| ())
        } else {
            (0..count).collect()
        };
        let drawn: Vec<Vec<f64>> = chosen
            .into_iter()
            .map(|k| collapse.expand(&candidates[k]))
            .collect();
        let of_oracle: Vec<Vec<f64>> = drawn.iter().map(|q| stage.to_oracle(q)).collect();
        let noise = self.seed.wrapping_mul(1000).wrapping_add(draw as u64);
        let measured = self.solver.oracle.train(&of_oracle, noise)?;
        Swarm::new(
            stage.domains().clone(),
            measured.tasks().to_vec(),
            measured.runs().to_vec(),
            Matrix::from_fn(count, m, |run, j| drawn[run][j]),
            // Noise that was measured at larger losses can exceed a small one; no loss is negative.
            Matrix::from_fn(count, measured.tasks().len(), |run, task| {
                let loss = measured.losses().get(run, task);
                if loss < 0.0 { 0.0 } else { loss }
            }),
        )
    }

    /// Laws over collapsed domains of runs that keep their ratios.
    pub(super) fn fit(
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
    pub(super) fn joint(
        &self,
        past: &[Swarm],
        swarm: &Swarm,
        stage: &Stage,
    ) -> Result<Vec<FittedLaw>, CoreError> {
        let swarms: Vec<&Swarm> = past.iter().chain([swarm]).collect();
        Ok(fit_joint(&swarms, &stage.prior, self.options)?.laws)
    }
}

/// The plan by a method; the old mixture of a simulation always has the ratios that are frozen.
pub(super) fn planned(
    inputs: &PlanInputs<'_>,
    method: ReuseMethod,
    free: &[usize],
) -> Result<ReusePlan, CoreError> {
    inputs.plan(method, free, &[]).map_err(|error| match error {
        PlanError::Ratios(error) => error,
        PlanError::EmptyGroup(_) | PlanError::NothingFrozen | PlanError::NothingFree => {
            CoreError::Unsupported("an update of the case study leaves no domain to freeze".into())
        }
    })
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

//! From a measured swarm to laws, trust in them, and a mixture: the main job, start to end.

mod found;
mod laws;
mod resampled;
mod split;

pub use found::{Fit, FitStage, NotConvex, Observer, Proposal};

use crate::law::{FittedLaw, Law, LawOptions, average_loss};
use crate::optimize::Optimizer;
use crate::phases::{PhaseValue, best_static, contrast};
use crate::price::{Priced, constraint_prices};
use crate::repetition::Capped;
use crate::swarm::dot;
use crate::trust::{Halves, KL_SPLITS, KlChoice, choose_kl, held_out, noise, reach as reach_of};
use crate::{Binding, Constraints, CoreError, FitSpec, LawKind, Mixture, Swarm};
use laws::fit_laws;
use resampled::{Resampled, ToResample};
use split::split;

/// Fits a law per task, says how far to trust them, and proposes a mixture.
///
/// Deterministic from the seed on any number of threads.
///
/// # Errors
/// Those of [`FitSpec::validate`], [`CoreError::TooFewRuns`], [`CoreError::DeadDomains`],
/// [`CoreError::Infeasible`], [`CoreError::GuardrailsNotKept`] and the errors of the parts.
pub fn fit(swarm: &Swarm, spec: &FitSpec, observer: &dyn Observer) -> Result<Fit, CoreError> {
    let mut fit = fit_only(swarm, spec, observer)?;
    propose_for(swarm, spec, &mut fit, observer)?;
    Ok(fit)
}

/// The first half of [`fit()`]: the laws, and how far to trust them. `spec.optimizer` proposes nothing here, but an
/// exact one limits the choice of a law to convex ones.
///
/// # Errors
/// As [`fit()`], but for those of solving.
pub fn fit_only(swarm: &Swarm, spec: &FitSpec, observer: &dyn Observer) -> Result<Fit, CoreError> {
    spec.validate()?;
    let (train, test) = split(swarm, spec)?;
    let part;
    let trained = if train.len() == swarm.len() {
        swarm
    } else {
        part = swarm.subset(&train);
        &part
    };
    let mut fit = Fit {
        train,
        dead: dead_domains(trained),
        contrast: spec
            .phases
            .as_ref()
            .map(|of| contrast(&of.phases, trained.mixtures())),
        noise: noise(trained, spec.confidence),
        ..Fit::default()
    };
    if spec.law != LawKind::Search {
        fit_laws(trained, spec, observer, &mut fit)?;
        if !test.is_empty() {
            fit.held_out = Some(held_out(fit.proxy_laws(), &swarm.subset(&test)));
        }
    }
    Ok(fit)
}

/// The second half of [`fit()`]: the mixture, in place of the one that `fit` has. `fit` must be a fit to this swarm;
/// `spec` may ask for other constraints, another λ or another optimizer than the fit's did. One call after the
/// other gives the bits of [`fit()`]. Where runs are set aside to test the laws, or no optimizer is asked for,
/// there is no mixture.
///
/// # Errors
/// Those of [`FitSpec::validate`], [`CoreError::Infeasible`], and [`CoreError::NotConvex`] for the exact optimizer
/// with laws that are not.
pub fn propose_for(
    swarm: &Swarm,
    spec: &FitSpec,
    fit: &mut Fit,
    observer: &dyn Observer,
) -> Result<(), CoreError> {
    spec.validate()?;
    (fit.proposal, fit.optimizer, fit.kl) = (None, None, None);
    let (Some(optimizer), true) = (&spec.optimizer, spec.n_test == 0) else {
        return Ok(());
    };
    let part;
    let trained = if fit.train.len() == swarm.len() {
        swarm
    } else {
        part = swarm.subset(&fit.train);
        &part
    };
    let mut optimizer = optimizer.clone();
    if let (true, Some(options)) = (spec.choose_kl, &fit.options) {
        let chosen = kl_from_data(trained, spec, &optimizer, options, &fit.dead, observer)?;
        optimizer = optimizer.with_kl_reg(chosen.kl_reg());
        fit.kl = Some(chosen);
    }
    fit.proposal = Some(propose(trained, spec, &optimizer, fit, observer)?);
    fit.optimizer = Some(optimizer);
    Ok(())
}

fn dead_domains(swarm: &Swarm) -> Vec<usize> {
    // Where there is no run at all, a rule makes the mixture and nothing needs to be held.
    if swarm.is_empty() {
        return Vec::new();
    }
    let live = swarm.live_domains();
    (0..swarm.domains().len())
        .filter(|j| !live.contains(j))
        .collect()
}

fn kl_from_data(
    swarm: &Swarm,
    spec: &FitSpec,
    optimizer: &Optimizer,
    options: &LawOptions,
    dead: &[usize],
    observer: &dyn Observer,
) -> Result<KlChoice, CoreError> {
    observer.stage(FitStage::Kl, KL_SPLITS);
    let constraints = spec.constraints_holding(dead);
    let propose = |half: &Swarm, laws: &[FittedLaw], kl: f64| {
        let optimizer = optimizer.with_kl_reg(kl);
        let solution = spec.solve_again(half, &optimizer, laws, &constraints)?;
        Ok(solution.weights)
    };
    let prior = spec.prior.weights();
    let with = Halves {
        options,
        target: spec.target.as_ref(),
        epochs: spec.repetition.as_ref().map(|r| r.target.as_slice()),
        seed: spec.seed,
    };
    let gain = |laws: &[FittedLaw], p: &[f64]| spec.gain(swarm, laws, p);
    choose_kl(swarm, prior, &with, &propose, &gain, &|| {
        observer.step();
    })
}

fn propose(
    swarm: &Swarm,
    spec: &FitSpec,
    optimizer: &Optimizer,
    fit: &Fit,
    observer: &dyn Observer,
) -> Result<Proposal, CoreError> {
    observer.stage(FitStage::Solve, 1 + optimizer.steps());
    let task_weights = swarm.task_weights();
    let constraints = spec.constraints_holding(&fit.dead);
    let mut solution = spec.solve(swarm, optimizer, &fit.laws, &constraints, &|| {
        observer.step();
    })?;
    observer.step();
    let terms = spec.terms(swarm, &fit.laws)?;
    let objective = spec.objective_at(swarm, optimizer, &fit.laws, &constraints, &solution);
    let prices = match optimizer {
        Optimizer::Exact(exact) if !exact.worst => constraint_prices(&Priced {
            problem: spec.problem(
                swarm,
                &fit.laws,
                &task_weights,
                &constraints,
                exact.kl_reg,
                terms.as_ref(),
            ),
            frozen: &spec.frozen,
            held: &fit.dead,
            target_tokens: spec.target_tokens,
            solution: &solution,
            solve: &|constraints| spec.solve(swarm, optimizer, &fit.laws, constraints, &|| ()),
        })?,
        _ => None,
    };
    let capped = capped(swarm, spec, optimizer, fit, &constraints)?;
    // Bounds that hold a dead domain are ours, not the user's.
    let held = |binding: &Binding| match binding {
        Binding::Lower(j) | Binding::Upper(j) | Binding::Cap(j) => fit.dead.contains(j),
        _ => false,
    };
    solution.binding.retain(|binding| !held(binding));
    solution
        .binding
        .extend(fit.dead.iter().map(|&j| Binding::Held(j)));
    let natural = spec.prior.weights();
    let mixture = Mixture::new(swarm.domains().clone(), solution.weights.clone())?;
    let predict = |p: &[f64]| -> Vec<f64> { fit.laws.iter().map(|law| law.predict(p)).collect() };
    let (predicted, at_natural) = match solution.run {
        Some(run) => (swarm.losses().row(run).to_vec(), Vec::new()),
        None => (predict(mixture.weights()), predict(natural)),
    };
    let mut phases = phase_value(spec, optimizer, fit, &task_weights, mixture.weights());
    let Resampled {
        bootstrap,
        scaling,
        phases: of_phases,
    } = Resampled::new(&ToResample {
        unchanging: phases.as_ref().map(|value| &value.mixture[..]),
        swarm,
        spec,
        optimizer,
        fit,
        constraints: &constraints,
        proposed: mixture.weights(),
        observer,
    })?;
    let reach = fit.options.as_ref();
    let reach = reach.and_then(|options| reach_of(swarm, options, mixture.weights()));
    let baselines = spec.baselines().into_iter();
    let baselines = baselines.map(|(name, p)| (name, average_loss(&fit.laws, &task_weights, &p)));
    Ok(Proposal {
        predicted_average: if predicted.is_empty() {
            f64::NAN
        } else {
            dot(&predicted, &task_weights)
        },
        baselines: if at_natural.is_empty() {
            Vec::new()
        } else {
            baselines.collect()
        },
        natural_average: (!at_natural.is_empty()).then(|| dot(&at_natural, &task_weights)),
        mixture,
        solution,
        predicted,
        natural: at_natural,
        bootstrap,
        prices,
        capped,
        objective,
        reach,
        scaling,
        phases: phases.take().map(|value| PhaseValue {
            interval: of_phases,
            ..value
        }),
    })
}

/// What phases are worth, where there are laws over them.
fn phase_value(
    spec: &FitSpec,
    optimizer: &Optimizer,
    fit: &Fit,
    task_weights: &[f64],
    proposed: &[f64],
) -> Option<PhaseValue> {
    let (of, kl_reg) = (spec.phases.as_ref()?, optimizer.kl_reg()?);
    let laws = &fit.laws;
    // A mixture that keeps no guardrail is no match for phases that do.
    if laws.is_empty() || !spec.objective.is_plain() {
        return None;
    }
    let best = best_static(of, laws, task_weights, spec.reference(), kl_reg).ok()?;
    let phases = &of.phases;
    Some(PhaseValue::of(
        phases,
        laws,
        task_weights,
        best.weights,
        proposed,
    ))
}

/// What the cap that measured repetition is compared with would have led to.
fn capped(
    swarm: &Swarm,
    spec: &FitSpec,
    optimizer: &Optimizer,
    fit: &Fit,
    constraints: &Constraints,
) -> Result<Option<Capped>, CoreError> {
    let Some(repetition) = &spec.repetition else {
        return Ok(None);
    };
    if constraints.caps.is_some() || optimizer.is_worst() {
        return Ok(None);
    }
    let mut limited = constraints.clone();
    let caps = repetition.target.iter();
    limited.caps = Some(
        caps.map(|epochs| repetition.compared_cap / epochs)
            .collect(),
    );
    // A domain that is held can be above its cap: nobody asked for either.
    for &j in &fit.dead {
        let share = limited.lower[j].min(limited.limit(j));
        (limited.lower[j], limited.upper[j]) = (share, share);
    }
    let solved = spec.solve(swarm, optimizer, &fit.laws, &limited, &|| ());
    let best = match solved {
        Ok(solution) => {
            let loss = average_loss(&fit.laws, &swarm.task_weights(), &solution.weights);
            Some((solution.weights, loss))
        }
        Err(error) if error.is_infeasible() => None,
        Err(error) => return Err(error),
    };
    Ok(Some(Capped {
        repetition_factor: repetition.compared_cap,
        best,
    }))
}

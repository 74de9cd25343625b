//! The laws of a fit: which, with which settings, and how well they predict runs that they have not seen.

use super::{Fit, FitStage, NotConvex, Observer};
use crate::calibrate::{calibrate, calibrated_laws};
use crate::law::{FittedLaw, LawOptions, Repeats, undetermined};
use crate::phases::Contrast;
use crate::repetition::{Measuring, STEPS, measure_repeats};
use crate::trust::{
    CandidateScore, alternative_laws, choice_error, choose, choose_per_task, out_of_fold_from,
    refinements, score_candidates, stack,
};
use crate::{CoreError, DeadDomains, FitSpec, LawKind, Ridge, Swarm};

pub(super) fn fit_laws(
    swarm: &Swarm,
    spec: &FitSpec,
    observer: &dyn Observer,
    fit: &mut Fit,
) -> Result<(), CoreError> {
    if !fit.dead.is_empty() && spec.dead_domains == DeadDomains::Error {
        let names = fit.dead.iter().map(|&j| swarm.domains().name(j).to_owned());
        return Err(CoreError::DeadDomains(names.collect()));
    }
    let prior = spec.prior.weights();
    let live = swarm.live_domains();
    // Where timing is not told apart, laws are of amounts.
    let amounts = spec
        .phases
        .as_ref()
        .map(|of| of.phases.amounts(swarm.mixtures()));
    let live_domains = amounts.as_ref().map_or(live.clone(), |amounts| {
        let some = |&j: &usize| (0..amounts.rows()).any(|run| amounts.get(run, j) != 0.0);
        (0..amounts.columns()).filter(some).collect()
    });
    fit.undetermined = undetermined(amounts.as_ref().unwrap_or(swarm.mixtures()), &live_domains);
    if live_domains.len() > 1 && fit.undetermined + 1 == live_domains.len() {
        return Err(CoreError::NoVariation(swarm.len()));
    }
    let tasks = swarm.tasks().len();
    let step = || observer.step();
    let tells_timing = fit.contrast.as_ref().is_some_and(Contrast::tells);
    let options = match (spec.law_options(), &spec.phases) {
        (Some(options), None) if spec.ridge != Some(Ridge::Auto) => options,
        _ => {
            let candidates = match &spec.phases {
                Some(of) => spec.candidates_over_phases(of, tells_timing),
                None => spec.candidates(),
            };
            let folds = spec.folds.max(2);
            let mut try_each = |candidates: &[LawOptions]| {
                observer.stage(FitStage::Choice, candidates.len() * folds * tasks);
                let scores = score_candidates(swarm, prior, candidates, folds, spec.seed, &step)?;
                fit.candidates.extend(scores);
                Ok::<_, CoreError>(refinements(&fit.candidates))
            };
            let mut next = try_each(&candidates)?;
            if spec.phases.is_some() && !tells_timing {
                next.retain(|options| options.timing_rank() == 0);
            }
            if !next.is_empty() {
                try_each(&next)?;
            }
            let chosen = if spec.law_per_task {
                choose_per_task(&fit.candidates)
            } else {
                choose(&fit.candidates)
            };
            fit.choice_error = choice_error(&fit.candidates);
            let chosen = match chosen {
                Some(chosen) => Some(averaged_or(chosen, swarm, spec, observer, fit)?),
                None => None,
            };
            let needed = candidates.iter().map(|options| options.needed(live.len()));
            chosen.ok_or_else(|| {
                CoreError::Unsupported(format!(
                    "nothing can be chosen by cross-validation: {} runs leave no fold that \
                     determines {} coefficients; name a law and a ridge",
                    swarm.len(),
                    needed.min().unwrap_or(0)
                ))
            })?
        }
    };
    let options = with_measured_repeats(options, swarm, spec, observer, fit)?;
    observer.stage(FitStage::Laws, tasks);
    let fitted = options.fit(swarm, prior, &step)?;
    (fit.laws, fit.reports) = fitted.into_iter().unzip();
    if spec.folds >= 2 {
        observer.stage(FitStage::OutOfFold, spec.folds * tasks);
        let plan = (spec.folds, spec.seed);
        fit.out_of_fold = out_of_fold_from(swarm, prior, &options, &fit.laws, plan, &step)?;
        fit.alternatives = alternative_laws(swarm, prior, &options, spec.folds, spec.seed)?;
    }
    fit.options = Some(options);
    move_to_target(spec, fit);
    if let Some(target) = &spec.target {
        let (laws, calibration) = calibrate(&fit.laws, swarm, target)?;
        for other in &mut fit.alternatives {
            other.laws = calibrated_laws(&other.laws, swarm, target);
        }
        (fit.laws, fit.calibration) = (laws, Some(calibration));
    }
    Ok(())
}

/// The law with the value of repeats, where that is to be measured and the swarm tells it.
fn with_measured_repeats(
    options: LawOptions,
    swarm: &Swarm,
    spec: &FitSpec,
    observer: &dyn Observer,
    fit: &mut Fit,
) -> Result<LawOptions, CoreError> {
    let Some(repetition) = &spec.repetition else {
        return Ok(options);
    };
    let with = Measuring {
        prior: spec.prior.weights(),
        options: &options,
        folds: spec.folds,
        confidence: spec.confidence,
        seed: spec.seed,
    };
    observer.stage(FitStage::Repeats, STEPS);
    let measured = measure_repeats(swarm, repetition, &with, &|| observer.step())?;
    let repeats = measured.r_star.map(|r_star| Repeats {
        r_star,
        epochs: repetition.runs.clone(),
    });
    fit.repeats = Some(measured);
    Ok(match repeats {
        Some(repeats) => options.with_repeats(&repeats),
        None => options,
    })
}

/// Laws that predict runs of the swarm become those of a run that sees the domains as often as the target does.
fn move_to_target(spec: &FitSpec, fit: &mut Fit) {
    let Some(repetition) = &spec.repetition else {
        return;
    };
    let knows_repeats = fit.laws.iter().any(|law| law.repeats().is_some());
    if repetition.runs == repetition.target || !knows_repeats {
        return;
    }
    let moved = |laws: &[FittedLaw]| -> Vec<FittedLaw> {
        let laws = laws.iter();
        laws.map(|law| law.at_epochs(&repetition.target)).collect()
    };
    let of_target = moved(&fit.laws);
    fit.run_laws = std::mem::replace(&mut fit.laws, of_target);
    for other in &mut fit.alternatives {
        other.laws = moved(&other.laws);
    }
}

/// The law that was chosen, or an average of laws where one is better; finds what the exact optimizer can't take, too.
fn averaged_or(
    chosen: LawOptions,
    swarm: &Swarm,
    spec: &FitSpec,
    observer: &dyn Observer,
    fit: &mut Fit,
) -> Result<LawOptions, CoreError> {
    // Averages have no form over virtual domains, and neither timing nor the value of repeats is told for them.
    if spec.law != LawKind::Auto
        || spec.law_per_task
        || !spec.frozen.is_empty()
        || spec.phases.is_some()
        || spec.repetition.is_some()
    {
        return Ok(chosen);
    }
    let stacked = stack(&fit.candidates, &chosen);
    let single = fit.candidates.iter().find(|tried| tried.options == chosen);
    let single = single.map(CandidateScore::error);
    let own = stacked.as_ref().map(|stacked| stacked.error).or(single);
    let barred = spec.candidates_barred_by_exact();
    if !barred.is_empty() {
        let folds = spec.folds.max(2);
        observer.stage(FitStage::Choice, barred.len() * folds);
        let step = || observer.step();
        let prior = spec.prior.weights();
        // Laws of the average alone: of every task they would take minutes, for a sentence.
        let average = swarm.averaged();
        let barred = score_candidates(&average, prior, &barred, folds, spec.seed, &step)?;
        let best = barred.iter().min_by(|a, b| a.error().total_cmp(&b.error()));
        fit.not_convex = best.zip(own).map(|(best, own)| NotConvex {
            law: best.options.name(),
            error: best.error(),
            own,
        });
    }
    let Some(stacked) = stacked else {
        return Ok(chosen);
    };
    fit.choice_error = Some(stacked.folds);
    Ok(stacked.options)
}

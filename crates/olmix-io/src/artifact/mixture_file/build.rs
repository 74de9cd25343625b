//! From a fit to the content of `mixture.json`.

use olmix_core::calibrate::Calibration;
use olmix_core::law::{FittedLaw, Law as _, TaskReport};
use olmix_core::reuse::VirtualDomain;
use olmix_core::trust::{Bootstrap, Interval, KlChoice, Scores};
use olmix_core::{Binding, Domain, Fit, LawKind, LossChange};

use super::objective::objective;
use super::phases::phases;
use super::prices::prices;
use super::repetition::repetition;
use super::runs::{noise, reach};
use super::scale::scale;
use super::{
    BaselineEntry, BootstrapEntry, CalibrationEntry, ChangeEntry, DomainEntry, ExpandedEntry,
    FORMAT, FitEntry, GroupEntry, KlChoiceEntry, LawEntry, Limit, MixtureFile, OptimizerEntry,
    OutOfFoldEntry, RankingEntry, RivalEntry, ScoresEntry, ShareEntry, TaskEntry, VERSION,
    VirtualEntry, Worse,
};
use crate::core_messages::fit_warnings;
use crate::swarm::loaded_fit::LoadedFit;

impl MixtureFile {
    /// The result of a fit. `fit` must come from `loaded`; notices of the fit itself can be
    /// added to [`MixtureFile::notices`] afterwards.
    ///
    /// ```
    /// use olmix_io::{MixtureFile, load_fit};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    /// # write("ratios.csv", "run,web,code\nr1,0.5,0.5\nr2,0.9,0.1\nr3,0.2,0.8\n")?;
    /// # write("metrics.csv", "run,arc_easy\nr1,1.1\nr2,1.3\nr3,1.2\n")?;
    /// # let config = "swarm: {ratios: ratios.csv, metrics: metrics.csv}\n\
    /// #     priors: {relative_sizes: {web: 3, code: 1}}\nregression: {type: search}\n";
    /// # write("fit.yaml", config)?;
    ///
    /// // A config with `regression: {type: search}`: the best run is the mixture.
    /// let loaded = load_fit(&folder.path().join("fit.yaml"))?;
    /// let fit = olmix_core::fit(&loaded.swarm, &loaded.spec, &())?;
    /// let file = MixtureFile::new(&loaded, &fit);
    /// let text = String::from_utf8(file.to_bytes()?)?;
    ///
    /// let read = MixtureFile::parse("mixture.json", &text)?;
    /// assert_eq!(read, file);
    /// assert_eq!(read.optimizer.and_then(|optimizer| optimizer.run).as_deref(), Some("r1"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(loaded: &LoadedFit, fit: &Fit) -> Self {
        let proposal = fit.proposal.as_ref();
        let bootstrap = proposal.and_then(|proposal| proposal.bootstrap.as_ref());
        let names = |positions: &[usize]| -> Vec<String> {
            let name = |&j: &usize| loaded.swarm.domains().name(j).to_owned();
            positions.iter().map(name).collect()
        };
        let tasks = loaded.swarm.tasks();
        let natural = natural_losses(loaded, fit);
        let weights = loaded.swarm.task_weights();
        let natural_average = natural
            .as_ref()
            .and_then(|losses| finite(losses.iter().zip(&weights).map(|(loss, w)| loss * w).sum()));
        let predicted = proposal.and_then(|proposal| finite(proposal.predicted_average));
        let gain = predicted.zip(natural_average);
        let gain = gain.and_then(|(predicted, natural)| finite(1.0 - predicted / natural));
        let constraints = &loaded.config.constraints;
        let mut notices = loaded.notices.clone();
        let trained = loaded.swarm.subset(&fit.train);
        notices.extend(fit_warnings(fit, &trained, &loaded.spec));
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            olmix: env!("CARGO_PKG_VERSION").to_owned(),
            config_hash: loaded.config_hash(),
            inputs: loaded.inputs.clone(),
            seed: loaded.spec.seed,
            runs: loaded.swarm.len(),
            fitted_runs: fit.train.len(),
            held_out_runs: loaded.spec.n_test,
            weighted_runs: loaded.weighted.clone(),
            domains: domains(loaded, fit),
            virtual_domains: virtual_entries(loaded),
            expanded: expanded(loaded, fit),
            phases: phases(loaded, fit),
            dead_domains: names(&fit.dead),
            target_tokens: constraints.target_tokens,
            repetition_factor: constraints.enabled.then_some(constraints.repetition_factor),
            repetition: repetition(loaded, fit),
            groups: groups(loaded, fit),
            prices: prices(loaded, fit),
            objective: objective(fit, &loaded.spec),
            law: LawEntry {
                kind: loaded.spec.law,
                options: fit.options.clone(),
                mixtures: match fit.laws.iter().find_map(FittedLaw::shared_runs) {
                    Some(runs) => (0..runs.rows()).map(|k| runs.row(k).to_vec()).collect(),
                    None => Vec::new(),
                },
                tasks: laws(loaded, fit, natural.as_deref()),
            },
            calibration: fit.calibration.as_ref().map(calibration),
            optimizer: optimizer(loaded, fit),
            predicted,
            natural: natural_average,
            gain,
            gain_interval: bootstrap.and_then(|bootstrap| interval(bootstrap.gain)),
            worse: proposal.map_or_else(Worse::default, |proposal| Worse {
                families: worse(proposal.family_changes(&trained)),
                tasks: worse(proposal.task_changes(&trained)),
            }),
            baselines: proposal.map_or_else(Vec::new, |proposal| {
                let entry = |&(name, loss): &(&str, f64)| BaselineEntry {
                    name: name.to_owned(),
                    predicted: finite(loss),
                    gain: finite(1.0 - proposal.predicted_average / loss),
                };
                proposal.baselines.iter().map(entry).collect()
            }),
            scale: scale(loaded, fit),
            kl_choice: fit.kl.as_ref().map(kl_choice),
            bootstrap: bootstrap.map(|bootstrap| BootstrapEntry {
                resamples: bootstrap.mixtures.rows(),
                failed: bootstrap.failed,
                confidence: bootstrap.confidence,
            }),
            out_of_fold: fit.out_of_fold.as_ref().map(|check| OutOfFoldEntry {
                folds: check.folds,
                average: scores(&check.average),
                no_better_than_mean: check
                    .no_better_than_mean
                    .iter()
                    .filter_map(|&task| Some(tasks.get(task)?.name.clone()))
                    .collect(),
            }),
            rivals: rivals(loaded, fit),
            noise: noise(fit, &trained),
            reach: reach(fit, &trained),
            held_out: fit.held_out.as_ref().map(|test| scores(&test.average)),
            notices,
        }
    }
}

fn worse(mut changes: Vec<LossChange>) -> Vec<ChangeEntry> {
    changes.retain(LossChange::is_worse);
    changes.sort_by(|a, b| b.relative().total_cmp(&a.relative()));
    let entry = |change: LossChange| ChangeEntry {
        change: change.relative(),
        name: change.name,
    };
    changes.into_iter().map(entry).collect()
}

fn virtual_entries(loaded: &LoadedFit) -> Vec<VirtualEntry> {
    let entry = |one: &VirtualDomain| VirtualEntry {
        name: one.name.clone(),
        members: one.members.iter().map(share_entry).collect(),
    };
    loaded.virtual_domains.iter().map(entry).collect()
}

fn share_entry((domain, share): &(String, f64)) -> ShareEntry {
    ShareEntry {
        domain: domain.clone(),
        share: *share,
    }
}

/// The mixture with each virtual domain replaced, in its place, by what it stands for.
fn expanded(loaded: &LoadedFit, fit: &Fit) -> Vec<ExpandedEntry> {
    let Some(proposal) = fit
        .proposal
        .as_ref()
        .filter(|_| !loaded.virtual_domains.is_empty())
    else {
        return Vec::new();
    };
    let target = loaded.config.constraints.target_tokens;
    let entry = |name: &str, share: f64, tokens: Option<u64>| {
        let domain = Domain {
            name: name.to_owned(),
            tokens,
        };
        ExpandedEntry {
            share,
            tokens,
            epochs: target.and_then(|target| finite(domain.epochs(share, target)?)),
            domain: domain.name,
        }
    };
    let mut entries = Vec::new();
    let weights = proposal.mixture.weights();
    for (domain, weight) in loaded.swarm.domains().iter().zip(weights) {
        let found = loaded.virtual_domains.iter();
        match found.clone().find(|one| one.name == domain.name) {
            None => entries.push(entry(&domain.name, *weight, domain.tokens)),
            Some(one) => entries.extend(one.members.iter().map(|(member, share)| {
                entry(
                    member,
                    weight * share,
                    loaded.config.priors.tokens_of(member),
                )
            })),
        }
    }
    entries
}

/// Predicted losses at the prior; `None` without laws.
fn natural_losses(loaded: &LoadedFit, fit: &Fit) -> Option<Vec<f64>> {
    if loaded.spec.law == LawKind::Search || fit.laws.is_empty() {
        return None;
    }
    let prior = loaded.spec.prior.weights();
    Some(fit.laws.iter().map(|law| law.predict(prior)).collect())
}

fn domains(loaded: &LoadedFit, fit: &Fit) -> Vec<DomainEntry> {
    let prior = loaded.spec.prior.weights();
    let constraints = &loaded.spec.constraints;
    let proposal = fit.proposal.as_ref();
    let target = loaded.config.constraints.target_tokens;
    let bootstrap = proposal.and_then(|p| p.bootstrap.as_ref());
    let limit = |j: usize| {
        let binding = &proposal?.solution.binding;
        binding.iter().find_map(|binding| match *binding {
            Binding::Cap(at) if at == j => Some(Limit::Cap),
            Binding::Upper(at) if at == j => Some(Limit::Max),
            Binding::Lower(at) if at == j => Some(Limit::Min),
            Binding::Held(at) if at == j => Some(Limit::Held),
            _ => None,
        })
    };
    let entry = |(j, domain): (usize, &Domain)| {
        let weight = proposal.and_then(|p| p.mixture.weights().get(j).copied());
        DomainEntry {
            name: domain.name.clone(),
            tokens: domain.tokens,
            prior: prior[j],
            weight,
            ratio: weight.and_then(|weight| finite(weight / prior[j])),
            interval: bootstrap.and_then(|b: &Bootstrap| interval(*b.weights.get(j)?)),
            epochs: weight
                .zip(target)
                .and_then(|(weight, target)| finite(domain.epochs(weight, target)?)),
            cap: constraints
                .caps
                .as_ref()
                .and_then(|caps| finite(*caps.get(j)?)),
            min: constraints.lower[j],
            max: constraints.upper[j],
            limit: limit(j),
            kl_reference: loaded
                .spec
                .kl_reference
                .as_ref()
                .and_then(|r| r.get(j).copied()),
        }
    };
    loaded
        .swarm
        .domains()
        .iter()
        .enumerate()
        .map(entry)
        .collect()
}

fn groups(loaded: &LoadedFit, fit: &Fit) -> Vec<GroupEntry> {
    let domains = loaded.swarm.domains();
    let proposal = fit.proposal.as_ref();
    let limit = |g: usize| {
        let binding = &proposal?.solution.binding;
        binding.iter().find_map(|binding| match *binding {
            Binding::GroupUpper(at) if at == g => Some(Limit::Max),
            Binding::GroupLower(at) if at == g => Some(Limit::Min),
            _ => None,
        })
    };
    let entry = |(g, group): (usize, &olmix_core::GroupBound)| GroupEntry {
        name: group.name.clone(),
        domains: group
            .members
            .iter()
            .map(|&j| domains.name(j).to_owned())
            .collect(),
        min: group.lower,
        max: group.upper,
        weight: proposal.map(|proposal| {
            let weights = proposal.mixture.weights();
            group.members.iter().filter_map(|&j| weights.get(j)).sum()
        }),
        limit: limit(g),
    };
    let groups = &loaded.spec.constraints.groups;
    groups.iter().enumerate().map(entry).collect()
}

fn laws(loaded: &LoadedFit, fit: &Fit, natural: Option<&[f64]>) -> Vec<TaskEntry> {
    let proposal = fit.proposal.as_ref();
    let tasks = loaded.swarm.tasks().iter().enumerate();
    tasks
        .map(|(i, task)| TaskEntry {
            name: task.name.clone(),
            family: task.family.clone(),
            weight: task.weight,
            direction: task.direction,
            offset: task.offset,
            members: loaded.members.get(i).cloned().unwrap_or_default(),
            law: fit.laws.get(i).cloned(),
            fit: fit.reports.get(i).map(report),
            predicted: proposal.and_then(|p| finite(*p.predicted.get(i)?)),
            natural: natural.and_then(|losses| finite(*losses.get(i)?)),
            out_of_fold: fit
                .out_of_fold
                .as_ref()
                .and_then(|check| check.tasks.get(i).map(scores)),
        })
        .collect()
}

fn rivals(loaded: &LoadedFit, fit: &Fit) -> Vec<RivalEntry> {
    let weights = loaded.swarm.task_weights();
    let prior = loaded.spec.prior.weights();
    let proposed = fit.proposal.as_ref().map(|p| p.mixture.weights());
    let entry = |rival: &olmix_core::trust::AlternativeLaw| RivalEntry {
        options: rival.options.clone(),
        out_of_fold: scores(&rival.average),
        natural: finite(rival.loss(&weights, prior)),
        predicted: proposed.and_then(|p| finite(rival.loss(&weights, p))),
        gain: proposed.and_then(|p| finite(rival.gain(&weights, p, prior))),
    };
    fit.alternatives.iter().map(entry).collect()
}

fn calibration(calibration: &Calibration) -> CalibrationEntry {
    CalibrationEntry {
        target_runs: calibration.runs.clone(),
        common_scale: calibration.slopes.common(),
        scale_spread: calibration.slopes.spread(),
        noise: calibration.slopes.noise(),
        ranking: calibration.ranking.map(|ranking| RankingEntry {
            level_error: finite(ranking.level_error),
            calibrated_error: finite(ranking.calibrated_error),
            expected: finite(ranking.level),
            calibrated_expected: finite(ranking.calibrated),
            agreement: ranking.agreement.and_then(finite),
        }),
    }
}

fn kl_choice(choice: &KlChoice) -> KlChoiceEntry {
    KlChoiceEntry {
        grid: choice.grid.clone(),
        predicted_gain: choice.predicted.clone(),
        crossed_gain: choice.crossed.clone(),
        standard_error: choice.standard_error.clone(),
        best: choice.grid[choice.best],
        within_error: choice.grid[choice.within_error],
        chosen: choice.kl_reg(),
        optimism: choice.optimism(),
    }
}

fn report(report: &TaskReport) -> FitEntry {
    FitEntry {
        huber: finite(report.huber),
        converged: report.converged,
        starts: report.starts,
        starts_at_best: report.starts_at_best,
        condition: finite(report.condition),
    }
}

fn optimizer(loaded: &LoadedFit, fit: &Fit) -> Option<OptimizerEntry> {
    let proposal = fit.proposal.as_ref()?;
    let solution = &proposal.solution;
    let optimizer = fit.optimizer.as_ref()?;
    Some(OptimizerEntry {
        kind: optimizer.name().to_owned(),
        worst: optimizer.is_worst(),
        kl_reg: optimizer.kl_reg(),
        status: solution.status,
        objective: finite(solution.objective),
        kl: finite(solution.kl),
        duality_gap: solution.duality_gap.and_then(finite),
        iterations: solution.iterations,
        // Counted among the runs that were fitted.
        run: solution.run.and_then(|run| {
            let run = fit.train.get(run)?;
            loaded.swarm.runs().get(*run).cloned()
        }),
        effective_domains: proposal.mixture.effective_domains(),
    })
}

pub(super) fn scores(scores: &Scores) -> ScoresEntry {
    ScoresEntry {
        pearson: scores.pearson.and_then(finite),
        spearman: scores.spearman.and_then(finite),
        rmse: finite(scores.rmse),
        bias: finite(scores.bias),
        regret_at_1: finite(scores.regret_at_1),
        optimism: finite(scores.optimism),
    }
}

pub(super) fn interval(interval: Interval) -> Option<Interval> {
    (interval.low.is_finite() && interval.high.is_finite()).then_some(interval)
}

/// JSON has no infinities.
pub(super) fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

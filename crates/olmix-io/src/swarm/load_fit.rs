//! From a config file to everything a fit needs.

use std::path::Path;

use olmix_core::law::LawSetting;
use olmix_core::optimize::{Optimizer, OptimizerNeeds, OptimizerSettings};
use olmix_core::reuse::VirtualDomain;
use olmix_core::{
    Constraints, CoreError, DeadDomains, FitSpec, LawKind, Mixture, Ridge, Swarm, Task,
};

use super::{resolve_domains as domains, task_selection as tasks};
use crate::config::fit::{FitConfig, KlReg, Preset, TrainSplit, not_taken, who_takes};
use crate::core_messages::core_sentence;
use crate::input::sha256_hex;
use crate::messages::{count, excerpt, listed};
use crate::swarm::csv_table::Table;
use crate::swarm::load_swarm::{Columns, Rows, earlier, rows, together, virtual_domains};
use crate::swarm::run_join::matrix;
use crate::swarm::task_columns::{Member, Recipe};
use crate::{InputRecord, IoError, Place};

/// A fit, ready to run: config and swarm, checked and joined.
#[derive(Debug, Clone)]
pub struct LoadedFit {
    /// The checked config.
    pub config: FitConfig,
    /// The measured runs, `K × m` and `K × n`; those of earlier swarms first, runs in the order of the ratios
    /// file.
    pub swarm: Swarm,
    /// What the virtual domains among the domains stand for, where the config says.
    pub virtual_domains: Vec<VirtualDomain>,
    /// What each task is averaged from, aligned with the swarm's tasks; empty for a task that is
    /// a metric of its own.
    pub members: Vec<Vec<Member>>,
    /// What [`olmix_core`] is asked to do.
    pub spec: FitSpec,
    /// What the user should know; none of it stops a fit.
    pub notices: Vec<String>,
    /// The files read: config, ratios, metrics, and ratios and metrics of earlier swarms.
    pub inputs: Vec<InputRecord>,
}

impl LoadedFit {
    /// Sixteen hex digits that identify settings and data: the same whenever both are the same,
    /// wherever the files lie. Comments and layout of the config do not count, nor where the
    /// swarm's files are; their content does.
    #[must_use]
    pub fn config_hash(&self) -> String {
        let mut config = self.config.clone();
        config.swarm = None;
        let mut text = serde_json::to_string(&config).unwrap_or_default();
        for input in self.inputs.iter().filter(|input| input.role != "config") {
            text.push('\n');
            text.push_str(&input.sha256);
        }
        let mut hash = sha256_hex(text.as_bytes());
        hash.truncate(16);
        hash
    }

    /// Refuses caps and bounds that no mixture satisfies.
    ///
    /// # Errors
    /// [`IoError::Core`] with the numbers that show it, and the config's name.
    pub fn check_constraints(&self) -> Result<(), IoError> {
        let checked = self.spec.constraints.check(self.swarm.domains());
        checked.map_err(|error| self.core_error(error))
    }

    /// An error of the method, told with the file it comes from and what to do.
    #[must_use]
    pub fn core_error(&self, error: CoreError) -> IoError {
        match &error {
            CoreError::Infeasible(message) => return self.infeasible(message),
            CoreError::NoFeasibleRun { .. } | CoreError::NoFeasibleSample { .. } => {
                return self.infeasible(&core_sentence(&error));
            }
            CoreError::TooFewRuns { .. } | CoreError::DeadDomains(_) => {
                if let Some(setting) = self.splitting() {
                    return self.split_error(setting, &error);
                }
            }
            _ => {}
        }
        let role = match &error {
            CoreError::TooFewRuns { .. }
            | CoreError::DeadDomains(_)
            | CoreError::NoVariation(_) => "ratios",
            CoreError::ConstantTask(_) | CoreError::NotFinite(_) => "metrics",
            _ => "config",
        };
        let input = self.inputs.iter().find(|input| input.role == role);
        let file = input.map_or(self.config.file.clone(), |input| input.path.clone());
        IoError::core(file, error)
    }
}

impl LoadedFit {
    fn infeasible(&self, message: &str) -> IoError {
        let constraints = &self.config.constraints;
        let mut loosen = Vec::new();
        if !constraints.bounds.is_empty() {
            loosen.push("loosen constraints.bounds");
        }
        if !constraints.groups.is_empty() {
            loosen.push("loosen constraints.groups");
        }
        if constraints.enabled {
            loosen.push("raise constraints.repetition_factor");
            loosen.push("lower constraints.target_tokens");
        }
        if loosen.is_empty() {
            loosen.push("propose by the exact solver, which needs no candidates");
        }
        let (file, place) = (&self.config.file, constraints.place.clone());
        IoError::input(file, place, message, loosen.join(", or "))
    }

    /// The setting that keeps runs from the fit, if one does.
    fn splitting(&self) -> Option<&'static str> {
        if self.spec.train_runs.is_some() {
            return Some("train_split");
        }
        (self.spec.n_test > 0).then_some("n_test")
    }

    fn split_error(&self, setting: &str, error: &CoreError) -> IoError {
        let runs = self.swarm.len();
        let fitted = self.spec.train_runs.unwrap_or(runs - self.spec.n_test);
        IoError::input(
            &self.config.file,
            Place::Field(format!("regression.{setting}")),
            format!("of {runs} runs {fitted} are left to fit to, and of these {error}"),
            "leave more runs to the fit",
        )
    }
}

/// Settings that take the place of the config's, as if they stood in it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Overrides {
    /// Law, granularity, optimizer and constraint of a published method; the others below come
    /// after it.
    pub preset: Option<Preset>,
    /// For `proposer.kl_reg`, where the optimizer has a KL term.
    pub kl_reg: Option<KlReg>,
    /// For the law of `regression.type`, once the swarm is loaded: the optimizer stays the config's.
    pub law: Option<LawKind>,
    /// For `regression.ridge`.
    pub ridge: Option<Ridge>,
    /// For `regression.dead_domains`.
    pub dead_domains: Option<DeadDomains>,
    /// For `diagnostics.folds`.
    pub folds: Option<usize>,
    /// For `diagnostics.bootstrap`.
    pub bootstrap: Option<usize>,
}

impl Overrides {
    fn apply(&self, config: &mut FitConfig) -> Result<(), IoError> {
        let law = self.law.unwrap_or(config.regression.law);
        if self.ridge.is_some() && !law.takes(LawSetting::Ridge) {
            return Err(IoError::input(
                &config.file,
                Place::Field("regression.ridge".into()),
                format!("`--ridge` is given, but {}", not_taken(law)),
                who_takes(LawSetting::Ridge),
            ));
        }
        let regression = &mut config.regression;
        regression.ridge = self.ridge.or(regression.ridge);
        regression.dead_domains = self.dead_domains.unwrap_or(regression.dead_domains);
        if config.proposer.kl_reg.is_some() {
            config.proposer.kl_reg = self.kl_reg.or(config.proposer.kl_reg);
        }
        let diagnostics = &mut config.diagnostics;
        diagnostics.folds = self.folds.unwrap_or(diagnostics.folds);
        diagnostics.bootstrap = self.bootstrap.unwrap_or(diagnostics.bootstrap);
        Ok(())
    }

    /// Puts the law in the place of the config's; what the config says of its own law and this one
    /// does not take has no effect, and is named.
    fn apply_law(&self, loaded: &mut LoadedFit) {
        let Some(law) = self.law else { return };
        loaded.config.regression.law = law;
        let spec = &mut loaded.spec;
        spec.law = law;
        let mut dropped = Vec::new();
        if !law.takes(LawSetting::Ridge) && spec.ridge.take().is_some() {
            dropped.push(LawSetting::Ridge);
        }
        if !law.takes(LawSetting::HuberDelta) && spec.huber_delta.take().is_some() {
            dropped.push(LawSetting::HuberDelta);
        }
        let notice = |setting: LawSetting| {
            format!(
                "regression.{} has no effect: {}",
                setting.name(),
                not_taken(law)
            )
        };
        loaded.notices.extend(dropped.into_iter().map(notice));
    }
}

/// Reads a config and the swarm it names, and checks everything that can be checked before a
/// fit.
///
/// # Errors
/// [`IoError`] for the first thing that can't be used, with file, place and help.
pub fn load_fit(config: &Path) -> Result<LoadedFit, IoError> {
    load_fit_with(config, &Overrides::default())
}

/// As [`load_fit`], with some settings given in place of the config's.
///
/// # Errors
/// As [`load_fit`].
pub fn load_fit_with(config: &Path, overrides: &Overrides) -> Result<LoadedFit, IoError> {
    let (mut config, config_record) = FitConfig::load_recorded(config, overrides.preset)?;
    overrides.apply(&mut config)?;
    let mut notices = config.notices.clone();
    let by_rule = config.proposer.kind.needs() == OptimizerNeeds::Sizes;
    let Some(files) = config
        .swarm
        .clone()
        .filter(|_| !(by_rule && config.regression.law == LawKind::Search))
    else {
        return without_swarm(config, config_record, notices);
    };
    let ratios_table = Table::read(&files.ratios_path, "ratios")?;
    let metrics_table = Table::read(&files.metrics_path, "metrics")?;
    let columns = Columns::new(&config, &ratios_table)?;
    let (domain_set, prior) =
        domains::resolve(&config, Some((&columns.names, &ratios_table)), &mut notices)?;
    let constraints = domains::constraints(&config.file, &config.constraints, &domain_set)?;
    let kl_reference = domains::kl_reference(&config, &domain_set, &mut notices)?;
    let frozen = domains::frozen(&config, &domain_set)?;
    let selection = tasks::select(&config, &metrics_table, &mut notices)?;
    let (recipe, _) = Recipe::new(&selection.tasks, &selection.members, &selection.available);

    let mut inputs = vec![
        config_record,
        ratios_table.record().clone(),
        metrics_table.record().clone(),
    ];
    let mut parts = Vec::new();
    let known = (&*selection.tasks, &*selection.members);
    for files in &files.earlier {
        let paths = (&*files.ratios_path, &*files.metrics_path);
        let (rows, read) = earlier(&config, paths, &columns.names, known, &mut notices)?;
        parts.push(rows);
        inputs.extend(read);
    }
    parts.push(rows(
        &ratios_table,
        &metrics_table,
        &columns,
        &recipe,
        &mut notices,
    )?);
    let mut tasks = selection.tasks;
    to_losses(
        &config,
        &metrics_table,
        &mut tasks,
        &mut parts,
        &mut notices,
    )?;

    let runs = parts.iter().map(|part| part.ids.len()).sum();
    let (n_test, train_runs) = split(&config, runs)?;
    let folds = config.diagnostics.folds.min(runs);
    if folds < config.diagnostics.folds {
        notices.push(format!(
            "diagnostics.folds is {}, more than the {}: each run is a fold of its own",
            config.diagnostics.folds,
            count(runs, "run")
        ));
    }
    let spec = FitSpec {
        n_test,
        train_runs,
        folds,
        frozen,
        ..spec(&config, prior, constraints, kl_reference)
    };
    let swarm = together(&config, &domain_set, &tasks, &parts, &spec, &mut notices)?;
    let mut loaded = LoadedFit {
        virtual_domains: virtual_domains(&config, swarm.domains()),
        swarm,
        members: selection.members,
        spec,
        notices,
        inputs,
        config,
    };
    overrides.apply_law(&mut loaded);
    Ok(loaded)
}

/// A mixture by a rule looks at the priors alone: a swarm without runs stands for none.
fn without_swarm(
    config: FitConfig,
    record: InputRecord,
    mut notices: Vec<String>,
) -> Result<LoadedFit, IoError> {
    let (domain_set, prior) = domains::resolve(&config, None, &mut notices)?;
    let constraints = domains::constraints(&config.file, &config.constraints, &domain_set)?;
    let mixtures = matrix(&[], domain_set.len());
    let swarm = Swarm::new(domain_set, Vec::new(), Vec::new(), mixtures, matrix(&[], 0))
        .map_err(|error| IoError::core(config.file.clone(), error))?;
    let spec = FitSpec {
        folds: 0,
        bootstrap: 0,
        ..spec(&config, prior, constraints, None)
    };
    Ok(LoadedFit {
        virtual_domains: virtual_domains(&config, swarm.domains()),
        swarm,
        members: Vec::new(),
        spec,
        notices,
        inputs: vec![record],
        config,
    })
}

/// What a config asks of the method, apart from what depends on the runs.
fn spec(
    config: &FitConfig,
    prior: Mixture,
    constraints: Constraints,
    kl_reference: Option<Vec<f64>>,
) -> FitSpec {
    FitSpec {
        law: config.regression.law,
        huber_delta: config.regression.huber_delta,
        ridge: config.regression.ridge,
        dead_domains: config.regression.dead_domains,
        optimizer: config.proposes().then(|| optimizer(config)),
        choose_kl: config.proposer.kl_reg == Some(KlReg::Auto),
        kl_reference,
        constraints,
        folds: config.diagnostics.folds,
        law_per_task: config.regression.law_per_task,
        target_tokens: config.constraints.target_tokens,
        bootstrap: config.diagnostics.bootstrap,
        confidence: config.diagnostics.confidence,
        seed: config.regression.seed,
        ..FitSpec::new(prior)
    }
}

/// Turns measured values into losses: scores are turned round, negative losses shifted.
fn to_losses(
    config: &FitConfig,
    table: &Table,
    tasks: &mut [Task],
    parts: &mut [Rows],
    notices: &mut Vec<String>,
) -> Result<(), IoError> {
    let mut shifted = Vec::new();
    for (i, task) in tasks.iter_mut().enumerate() {
        let rows = parts.iter().flat_map(|part| &part.measured);
        let mut losses: Vec<f64> = rows.map(|row| task.loss_of(row[i])).collect();
        let (least, most) = losses.iter().fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(least, most), &loss| (least.min(loss), most.max(loss)),
        );
        let needs_law = config.regression.law != LawKind::Search;
        if needs_law && losses.len() > 1 && least >= most {
            return Err(table.header_error(
                format!(
                    "metric `{}` has the same value in all {}: there is nothing to fit",
                    excerpt(&task.name),
                    count(losses.len(), "run")
                ),
                "add it to filtering.drop_metrics",
            ));
        }
        if needs_law && least < 0.0 {
            task.offset = -least;
            for loss in &mut losses {
                *loss -= least;
            }
            shifted.push(task.name.clone());
        }
        let rows = parts.iter_mut().flat_map(|part| &mut part.measured);
        for (row, loss) in rows.zip(losses) {
            row[i] = loss;
        }
    }
    if !shifted.is_empty() {
        notices.push(format!(
            "laws need losses that are not negative; shifted up by their least value: {}",
            listed(shifted.iter().map(String::as_str), 5)
        ));
    }
    Ok(())
}

/// How many runs to set aside, and how many of the others to fit to (`None` for all).
fn split(config: &FitConfig, runs: usize) -> Result<(usize, Option<usize>), IoError> {
    let n_test = config.regression.n_test;
    let refuse = |field: &str, message: String, help: String| {
        let place = Place::Field(format!("regression.{field}"));
        Err(IoError::input(&config.file, place, message, help))
    };
    if n_test >= runs {
        return refuse(
            "n_test",
            format!("{n_test} runs are to be set aside, but there are {runs}"),
            format!("set n_test below {runs}"),
        );
    }
    let available = runs - n_test;
    let train = match config.regression.train_split {
        TrainSplit::All => return Ok((n_test, None)),
        // A share below 1 of a count rounds down to a smaller count.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        TrainSplit::Fraction(share) => (share * available as f64).floor() as usize,
        TrainSplit::Count(train) => train,
    };
    if train == 0 || train > available {
        return refuse(
            "train_split",
            format!(
                "{} to be fitted to, of {available} there are",
                if train == 1 {
                    "1 run is".to_owned()
                } else {
                    format!("{train} runs are")
                }
            ),
            format!("set train_split to a share, or to a number up to {available}"),
        );
    }
    Ok((n_test, (train < available).then_some(train)))
}

fn optimizer(config: &FitConfig) -> Optimizer {
    // Where λ is to be chosen, the value here is never used.
    let kl_reg = match config.proposer.kl_reg {
        Some(KlReg::Fixed(kl_reg)) => kl_reg,
        Some(KlReg::Auto) | None => 0.0,
    };
    config.proposer.kind.with_settings(&OptimizerSettings {
        kl_reg,
        worst: config.proposer.make_worst_mix,
        temperature: config.proposer.temperature,
    })
}

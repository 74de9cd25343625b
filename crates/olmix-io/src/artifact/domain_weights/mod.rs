//! Weights of domains, out of any file that holds some: mixtures, priors, configs, runs, blends.

mod blend;
mod document;
mod phases;
mod table;

use std::path::Path;

pub use phases::{PhaseWeights, PhasedWeights};

use serde::Serialize;

use crate::artifact::mixture_file::MixtureFile;
use crate::config::generation::DataConfig;
use crate::error::{IoError, Location};
use crate::input::InputFile;
use crate::messages::{excerpt, listed};
use crate::rounding::without_rounding;

/// Weights of domains, as a file has them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainWeights {
    /// What the file is: `mixture`, `weights`, `priors`, `run`, `blend`, or `mix of a launch config`.
    pub kind: &'static str,
    /// Domains and their weights, which sum to 1, in the order of the file.
    #[serde(rename = "shares")]
    pub weights: Vec<(String, f64)>,
    /// Tokens of each domain, where the file has them for every domain.
    pub tokens: Option<Vec<u64>>,
    /// Tokens of the run that a mixture was made for.
    pub target_tokens: Option<f64>,
    /// How often that run may see a token.
    pub repetition_factor: Option<f64>,
    /// How a mixture was made, where its file says so: `optimizer exact over laws saturating of 58 runs`.
    #[serde(skip)]
    pub made_by: Option<String>,
    /// What the weights of a mixture summed to before they were divided by it, where that is neither 1 nor 100.
    #[serde(skip)]
    pub rescaled_from: Option<f64>,
}

/// Files that can be read, for messages.
const KNOWN: &str = "give a mixture.json, a list or mapping of domains and weights (JSON, YAML or CSV), a \
                     config with `priors`, `mix` or `train`, a blend of Megatron (0.3 path 0.7 path), or a run \
                     of a ratios.csv as ratios.csv#RUN";

/// A share of a phase below this, half of the least weight that is written, is none.
const NOTHING: f64 = 5e-10;

/// How far from its whole a sum of rounded weights may be.
const WHOLE: f64 = 2e-3;

impl DomainWeights {
    /// Reads the weights in a file: a `mixture.json`, a list or mapping of domains and weights (JSON, YAML,
    /// CSV), a config with `priors` or `mix`, or one run of a ratios file, which is named behind a `#`.
    /// Weights are divided by their sum.
    ///
    /// # Errors
    /// [`IoError::Read`] when the file can't be read; [`IoError::Input`] when it holds no weights, or
    /// weights that are negative or sum to 0.
    pub fn read(path: &Path) -> Result<Self, IoError> {
        let (found, file) = Self::as_written(path)?;
        found.normalized(&file)
    }

    /// What a file holds, with weights as they are written, and the file's name.
    fn as_written(path: &Path) -> Result<(Self, String), IoError> {
        let text = path.to_string_lossy();
        let (file, run) = match text.rsplit_once('#') {
            Some((file, run)) if !path.exists() => (Path::new(file), Some(run)),
            _ => (path, None),
        };
        let end = file.extension().map(std::ffi::OsStr::to_ascii_lowercase);
        let is_table = end.is_some_and(|end| end == "csv" || end == "tsv");
        let of_file = |file: &Path| {
            let input = InputFile::read(file, None)?;
            let is_mixture = input
                .text()?
                .contains(&format!("\"{}\"", crate::artifact::mixture_file::FORMAT));
            Ok::<_, IoError>(is_mixture.then_some(input))
        };
        let found = if let (Some(phase), false) = (run, is_table)
            && let Some(input) = of_file(file)?
        {
            phase_of(&input.name, input.text()?, phase)?
        } else if is_table || run.is_some() {
            table::read(file, run)?
        } else {
            let input = InputFile::read(file, None)?;
            let text = input.text()?;
            if text.contains(&format!("\"{}\"", crate::artifact::mixture_file::FORMAT)) {
                mixture(&input.name, text)?
            } else if let Some(found) = blend::of_text(text) {
                found
            } else {
                document::read(&input.name, text)?
            }
        };
        Ok((found, file.display().to_string()))
    }

    /// The tokens of each domain, out of a file with the columns `domain` and `tokens` (CSV), of a config with
    /// `priors.token_counts`, or of a mapping from domains to tokens (YAML or JSON).
    ///
    /// # Errors
    /// [`IoError::Read`], and [`IoError::Input`] for a file without counts and for counts that are not whole
    /// numbers above 0.
    pub fn token_counts(path: &Path) -> Result<Vec<(String, u64)>, IoError> {
        let (found, file) = Self::as_written(path)?;
        let refuse = |message: String| {
            let help = "give a CSV file with the columns domain and tokens, a mapping from domains to tokens \
                        (YAML or JSON), or a config with priors.token_counts";
            Err(IoError::input(&file, Location::File, message, help))
        };
        let names = found.weights.iter().map(|(name, _)| name.clone());
        if let Some(tokens) = found.tokens {
            return Ok(names.zip(tokens).collect());
        }
        if found.kind != "weights" {
            return refuse("this file holds no numbers of tokens".into());
        }
        let whole = |tokens: &f64| (1.0..1e19).contains(tokens) && tokens.fract() == 0.0;
        if let Some((name, tokens)) = found.weights.iter().find(|(_, tokens)| !whole(tokens)) {
            return refuse(format!(
                "`{}` is {tokens}, not a whole number of tokens above 0",
                excerpt(name)
            ));
        }
        Ok(names
            .zip(found.weights.iter().map(|(_, tokens)| *tokens as u64))
            .collect())
    }

    /// As [`DomainWeights::read`]; the paths of a blend become the domains of `data` that list them, and
    /// paths of one domain are summed.
    ///
    /// # Errors
    /// As [`DomainWeights::read`], and for a path that no domain or more than one lists.
    pub fn read_over(path: &Path, data: Option<&DataConfig>) -> Result<Self, IoError> {
        let found = Self::read(path)?;
        match data {
            Some(data) if found.kind == blend::KIND => {
                blend::over(&path.display().to_string(), found, data)
            }
            _ => Ok(found),
        }
    }

    /// Weights that are at hand, which sum to 1.
    #[must_use]
    pub fn of(weights: Vec<(String, f64)>) -> Self {
        plain("mixture", weights)
    }

    fn normalized(mut self, file: &str) -> Result<Self, IoError> {
        for (_, share) in &mut self.weights {
            *share = without_rounding(*share);
        }
        let sum: f64 = self.weights.iter().map(|(_, share)| share).sum();
        let bad = self
            .weights
            .iter()
            .find(|(_, share)| !(*share >= 0.0 && share.is_finite()));
        let message = match bad {
            Some((name, share)) => format!("the share of `{}` is {share}", excerpt(name)),
            None if sum > 0.0 && sum.is_finite() => {
                let is_mixture =
                    matches!(self.kind, "mixture" | "weights" | "mix of a launch config");
                let is_whole = |whole: f64| (sum / whole - 1.0).abs() <= WHOLE;
                if is_mixture && !is_whole(1.0) && !is_whole(100.0) {
                    self.rescaled_from = Some(sum);
                }
                self.weights.iter_mut().for_each(|(_, share)| *share /= sum);
                return Ok(self);
            }
            None => "no domain has a share".to_owned(),
        };
        let help = "shares are numbers that are not negative, some of them above 0";
        Err(IoError::input(file, Location::File, message, help))
    }
}

/// The mixture of one phase; tokens of the run are those of the phase.
fn phase_of(file: &str, text: &str, name: &str) -> Result<DomainWeights, IoError> {
    let read = MixtureFile::parse(file, text)?;
    let refuse = |message: String, help: String| {
        Err(IoError::input(
            file,
            Location::Field("phases".into()),
            message,
            help,
        ))
    };
    let Some(of) = &read.phases else {
        return refuse(
            format!(
                "`{}` is asked for, and this mixture has no phases",
                excerpt(name)
            ),
            "give the file without what is behind the `#`".into(),
        );
    };
    let names = of.phases.iter().map(|phase| phase.name.as_str());
    let Some(phase) = of.phases.iter().find(|phase| phase.name == name) else {
        return refuse(
            format!("no phase is named `{}`", excerpt(name)),
            format!("the phases are {}", listed(names, 8)),
        );
    };
    if phase.mixture.is_empty() {
        return refuse(
            "the fit proposed no mixture".into(),
            "fit without `fit_only` and `n_test`".into(),
        );
    }
    let tokens = read.domains.iter().take(phase.mixture.len());
    let shares = phase.mixture.iter();
    // A solve leaves rounding of a domain that a phase has nothing of.
    let share = |share: f64| if share < NOTHING { 0.0 } else { share };
    Ok(DomainWeights {
        kind: "mixture",
        weights: shares
            .map(|one| (one.domain.clone(), share(one.share)))
            .collect(),
        tokens: tokens.map(|domain| domain.tokens).collect(),
        target_tokens: read.target_tokens.map(|tokens| phase.fraction * tokens),
        // It is for all phases together, which one of them says nothing of.
        repetition_factor: None,
        made_by: made_by(&read),
        rescaled_from: None,
    })
}

fn mixture(file: &str, text: &str) -> Result<DomainWeights, IoError> {
    let read = MixtureFile::parse(file, text)?;
    if let Some(of) = &read.phases {
        let names: Vec<&str> = of.phases.iter().map(|phase| phase.name.as_str()).collect();
        let first = names.first().copied().unwrap_or_default();
        return Err(IoError::input(
            file,
            Location::Field("phases".into()),
            format!(
                "this mixture is of {} phases: {}",
                names.len(),
                listed(names.clone(), 5)
            ),
            format!("name one of them behind a `#`, as in mixture.json#{first}"),
        ));
    }
    let expanded = read.expanded.iter();
    let expanded: Vec<(String, f64)> = expanded
        .map(|entry| (entry.domain.clone(), entry.share))
        .collect();
    let shares = read
        .domains
        .iter()
        .map(|domain| Some((domain.name.clone(), domain.weight?)));
    let shares: Option<Vec<(String, f64)>> = if expanded.is_empty() {
        shares.collect()
    } else {
        Some(expanded)
    };
    Ok(DomainWeights {
        kind: "mixture",
        weights: shares.ok_or_else(|| {
            IoError::input(
                file,
                Location::Field("domains".into()),
                "the fit proposed no mixture",
                "fit without `fit_only` and `n_test`",
            )
        })?,
        tokens: if read.expanded.is_empty() {
            read.domains.iter().map(|domain| domain.tokens).collect()
        } else {
            read.expanded.iter().map(|entry| entry.tokens).collect()
        },
        target_tokens: read.target_tokens,
        repetition_factor: read.repetition_factor,
        made_by: made_by(&read),
        rescaled_from: None,
    })
}

/// How a fitted mixture was made.
fn made_by(read: &MixtureFile) -> Option<String> {
    let optimizer = read.optimizer.as_ref()?;
    let runs = read.fitted_runs;
    Some(match (&read.law.options, &optimizer.run) {
        (_, Some(run)) => format!("the best of {runs} measured runs, {run}; nothing was optimized"),
        (Some(_), None) => format!(
            "optimizer {} over {} laws of {} tasks, fitted to {runs} runs",
            optimizer.kind,
            read.law.kind.name(),
            read.law.tasks.len()
        ),
        (None, None) => format!("rule {}; nothing was optimized", optimizer.kind),
    })
}

fn plain(kind: &'static str, weights: Vec<(String, f64)>) -> DomainWeights {
    DomainWeights {
        kind,
        weights,
        tokens: None,
        target_tokens: None,
        repetition_factor: None,
        made_by: None,
        rescaled_from: None,
    }
}

//! Fits: laws with their checks, and the mixture that is proposed.

use std::sync::Arc;

use numpy::PyArray2;
use olmix_core::law::FittedLaw;
use olmix_core::optimize::Optimizer;
use olmix_core::{CoreError, FitSpec, Swarm, SweepGrid, fit_only, propose_for, sweep};
use olmix_io::yaml::Edit;
use olmix_io::{
    LoadedFit, MixtureFile, Overrides, Preset, SwarmTables, fact_sentences, fit_warnings,
    load_fit_text, load_fit_with, scale_sentences, verdict_words, warning_sentence,
};
use olmix_report::{InputFile, ReportInput, TrustWords, fit_figures, html};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::{Value, json};

use crate::errors::{self, ARGUMENTS, argument, internal};
use crate::laws::{Laws, array};
use crate::run::{Watch, run};
use crate::tables::Tables;

/// Settings in place of a config's: keys from the root, and a YAML value.
type Edits = Vec<(Vec<String>, String)>;

/// A config: a file, or text that was made of arguments.
#[derive(Clone)]
struct Source {
    path: Option<String>,
    text: String,
    edits: Edits,
    preset: Option<Preset>,
    tables: Option<Arc<SwarmTables>>,
}

impl Source {
    fn load(&self) -> PyResult<LoadedFit> {
        let edit = |(path, value): &(Vec<String>, String)| Edit {
            path: path.clone(),
            value: value.clone(),
            append: false,
            given_as: format!("{}={value}", path.join(".")),
        };
        let overrides = Overrides {
            edits: self.edits.iter().map(edit).collect(),
            preset: self.preset,
            ..Overrides::default()
        };
        let loaded = match &self.path {
            Some(path) => load_fit_with(path.as_ref(), &overrides),
            None => load_fit_text(ARGUMENTS, &self.text, self.tables.as_deref(), &overrides),
        };
        loaded.map_err(|error| errors::io(&error))
    }
}

/// Laws fitted to a swarm, with a mixture where one was asked for.
#[pyclass(frozen, module = "olmix._olmix")]
pub struct Fit {
    source: Source,
    loaded: Arc<LoadedFit>,
    found: Arc<olmix_core::Fit>,
    /// The runs that the laws were fitted to.
    trained: Arc<Swarm>,
}

#[pymethods]
impl Fit {
    /// Loads and fits; with `propose` solves for the mixture, too.
    #[new]
    #[pyo3(signature = (path, text, tables, edits, preset, propose, progress))]
    fn new(
        py: Python<'_>,
        path: Option<String>,
        text: String,
        tables: Option<&Tables>,
        edits: Edits,
        preset: Option<&str>,
        propose: bool,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let source = Source {
            path,
            text,
            edits,
            preset: preset.map(preset_named).transpose()?,
            tables: tables.map(|tables| Arc::clone(&tables.tables)),
        };
        let loaded = Arc::new(source.load()?);
        if propose {
            check_constraints(&loaded)?;
        }
        Self::found_by(py, source, loaded, progress, move |loaded, watch| {
            let mut fit = fit_only(&loaded.swarm, &loaded.spec, watch)?;
            if propose {
                propose_for(&loaded.swarm, &loaded.spec, &mut fit, watch)?;
            }
            Ok(fit)
        })
    }

    /// The same laws with a mixture, under other constraints. `text` takes the place of a config that was made of
    /// arguments; `edits` come on top of a file.
    fn propose(
        &self,
        py: Python<'_>,
        text: Option<String>,
        edits: Edits,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mut source = self.source.clone();
        if let Some(text) = text {
            source.text = text;
        }
        source.edits.extend(edits);
        let loaded = Arc::new(source.load()?);
        if let Some(setting) = other_laws(&self.loaded.spec, &self.found, &loaded.spec) {
            return Err(argument(
                setting,
                "the laws depend on it, and they are fitted already",
                "give it to olmix.fit",
            ));
        }
        check_constraints(&loaded)?;
        let fitted = Arc::clone(&self.found);
        Self::found_by(py, source, loaded, progress, move |loaded, watch| {
            let mut fit = olmix_core::Fit::clone(&fitted);
            propose_for(&loaded.swarm, &loaded.spec, &mut fit, watch)?;
            Ok(fit)
        })
    }

    /// Solves for every combination of target tokens, repetition factors and λ; JSON.
    fn sweep(
        &self,
        py: Python<'_>,
        target_tokens: Vec<f64>,
        repetition: Vec<f64>,
        kl: Vec<f64>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let grid = SweepGrid {
            target_tokens,
            repetition,
            kl,
        };
        let (loaded, fit) = (Arc::clone(&self.loaded), Arc::clone(&self.found));
        let trained = Arc::clone(&self.trained);
        let swept = run(py, progress, move |watch| {
            watch.begin("solving cells", grid.cells());
            sweep(&trained, &loaded.spec, &fit, &grid, &|| watch.advance())
        })?;
        let swept = swept.map_err(|error| errors::core(&self.loaded, error))?;
        let cells = swept.cells.iter().map(|cell| {
            let (found, problem) = match &cell.outcome {
                Ok(found) => (Some(found), None),
                Err(problem) => (None, Some(problem)),
            };
            json!({
                "target_tokens": cell.target_tokens,
                "repetition_factor": cell.repetition,
                "kl_reg": cell.kl,
                "predicted": found.map(|found| found.predicted),
                "caps_binding": found.map(|found| found.caps_binding),
                "effective_domains": found.map(|found| found.mixture.effective_domains()),
                "weights": found.map(|found| found.mixture.weights().to_vec()),
                "problem": problem,
            })
        });
        Ok(Value::Array(cells.collect()).to_string())
    }

    /// The bytes of `mixture.json`.
    fn mixture<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = MixtureFile::new(&self.loaded, &self.found).to_bytes();
        let bytes = bytes.map_err(|error| errors::io(&error))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The config in effect, every default filled in; JSON, which a fit config may be.
    #[getter]
    fn config(&self) -> PyResult<String> {
        let config = serde_json::to_string_pretty(&self.loaded.config);
        config.map_err(|error| internal(&error.to_string()))
    }

    /// What speaks against trusting the fit: sentences, and their numbers as JSON.
    fn warnings(&self) -> PyResult<Vec<(String, String)>> {
        let warnings = self.found.warnings(&self.trained, &self.loaded.spec);
        let pair = |warning| {
            let numbers = serde_json::to_string(warning);
            let numbers = numbers.map_err(|error| internal(&error.to_string()))?;
            Ok((warning_sentence(warning), numbers))
        };
        warnings.iter().map(pair).collect()
    }

    /// What was left out, ignored or changed while the swarm was read.
    #[getter]
    fn notices(&self) -> Vec<String> {
        self.loaded.notices.clone()
    }

    /// The laws.
    #[getter]
    fn laws(&self) -> Laws {
        Laws {
            laws: self.found.laws.clone(),
            domains: self.trained.domains().len(),
        }
    }

    /// Names of the runs that the laws were fitted to.
    #[getter]
    fn runs(&self) -> Vec<String> {
        self.trained.runs().to_vec()
    }

    /// Names of the domains.
    #[getter]
    fn domains(&self) -> Vec<String> {
        self.trained.domains().names().map(str::to_owned).collect()
    }

    /// Names of the tasks.
    #[getter]
    fn tasks(&self) -> Vec<String> {
        let tasks = self.trained.tasks().iter();
        tasks.map(|task| task.name.clone()).collect()
    }

    /// Mixtures of the runs, runs × domains.
    #[getter]
    fn mixtures<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        array(py, self.trained.mixtures())
    }

    /// Losses of the runs, runs × tasks.
    #[getter]
    fn losses<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        array(py, self.trained.losses())
    }

    /// Out-of-fold predictions, runs × tasks; `None` without folds.
    #[getter]
    fn out_of_fold<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray2<f64>>> {
        let checked = self.found.out_of_fold.as_ref()?;
        Some(array(py, &checked.predictions))
    }

    /// Laws and settings that were tried, with their cross-validated RMSE of the average loss.
    #[getter]
    fn candidates(&self) -> Vec<(String, f64)> {
        let candidates = self.found.candidates.iter();
        candidates
            .map(|candidate| (candidate.options.describe(), candidate.average))
            .collect()
    }

    /// Whether a mixture was asked for.
    #[getter]
    fn proposes(&self) -> bool {
        self.found.proposal.is_some()
    }

    /// The report, one HTML page.
    fn report(&self, title: &str, command: &str) -> String {
        let loaded = &self.loaded;
        let warnings = fit_warnings(&self.found, &self.trained, &loaded.spec);
        let inputs: Vec<InputFile<'_>> = loaded
            .inputs
            .iter()
            .map(|input| InputFile {
                path: &input.path,
                sha256: &input.sha256,
            })
            .collect();
        let constraints = &loaded.config.constraints;
        let verdict = self.found.verdict(&self.trained, &loaded.spec);
        let words = verdict.map(|verdict| verdict_words(&verdict, &loaded.spec));
        let mixture = MixtureFile::new(loaded, &self.found).to_bytes();
        let mixture = mixture.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        html(&ReportInput {
            title,
            swarm: &loaded.swarm,
            spec: &loaded.spec,
            fit: &self.found,
            target_tokens: constraints.target_tokens.filter(|_| constraints.enabled),
            repetition_factor: constraints.enabled.then_some(constraints.repetition_factor),
            notices: &loaded.notices,
            warnings: &warnings,
            facts: &[
                fact_sentences(&self.found, &self.trained, &loaded.spec),
                scale_sentences(loaded, &self.found),
            ]
            .concat(),
            command,
            config: &loaded.config.file,
            inputs: &inputs,
            version: env!("CARGO_PKG_VERSION"),
            verdict: words.as_ref().map(|words| TrustWords {
                level: words.level,
                why: &words.why,
                remedies: &words.remedies,
            }),
            mixture: mixture.as_deref(),
        })
    }

    /// The figures, as SVG, by name.
    fn figures(&self) -> Vec<(String, String)> {
        let drawn = fit_figures(&self.loaded.swarm, &self.loaded.spec, &self.found);
        let svg = |(name, figure): (String, olmix_report::Figure)| (name, figure.svg().to_owned());
        drawn.into_iter().map(svg).collect()
    }
}

impl Fit {
    /// What `work` finds from what was loaded, beside the interpreter.
    fn found_by(
        py: Python<'_>,
        source: Source,
        loaded: Arc<LoadedFit>,
        progress: Option<&Bound<'_, PyAny>>,
        work: impl FnOnce(&LoadedFit, &Watch) -> Result<olmix_core::Fit, CoreError> + Send + 'static,
    ) -> PyResult<Self> {
        let given = Arc::clone(&loaded);
        let found = run(py, progress, move |watch| work(&given, watch))?;
        let found = found.map_err(|error| errors::core(&loaded, error))?;
        let trained = Arc::new(loaded.swarm.subset(&found.train));
        Ok(Self {
            source,
            loaded,
            found: Arc::new(found),
            trained,
        })
    }
}

/// Refuses caps and bounds that no mixture satisfies.
fn check_constraints(loaded: &LoadedFit) -> PyResult<()> {
    let checked = loaded.spec.constraints.check(loaded.swarm.domains());
    checked.map_err(|error| errors::core(loaded, error))
}

fn preset_named(name: &str) -> PyResult<Preset> {
    Preset::named(name).map_err(|message| {
        let (message, help) = message.split_once("; ").unwrap_or((&message, ""));
        argument("preset", message, help)
    })
}

/// Whether laws with the value of repeats are for a run that sees domains more or less often, or are not asked for.
fn other_epochs(fitted: &FitSpec, asked: &FitSpec) -> bool {
    let epochs = |spec: &FitSpec| {
        let repetition = spec.repetition.as_ref();
        repetition.map(|repetition| (repetition.runs.clone(), repetition.target.clone()))
    };
    epochs(fitted) != epochs(asked)
}

/// The setting by which fitted laws are not those that a specification asks for; `None` where they are.
///
/// Where the law is chosen (`auto`), it was chosen as the fit was asked: a run's tokens that became known later may
/// have added a law to choose from, and do not change those that were fitted.
fn other_laws(fitted: &FitSpec, fit: &olmix_core::Fit, asked: &FitSpec) -> Option<&'static str> {
    let tokens = fitted.target_tokens != asked.target_tokens;
    let needs_tokens = |law: &FittedLaw| law.kind().needs_target_tokens();
    let options = fit.options.as_ref();
    let exact = matches!(asked.optimizer, Some(Optimizer::Exact(_)));
    let differs = [
        ("law", fitted.law != asked.law),
        ("huber_delta", fitted.huber_delta != asked.huber_delta),
        ("ridge", fitted.ridge != asked.ridge),
        ("dead_domains", fitted.dead_domains != asked.dead_domains),
        ("prior", fitted.prior != asked.prior),
        ("n_test", fitted.n_test != asked.n_test),
        ("train_split", fitted.train_runs != asked.train_runs),
        ("folds", fitted.folds != asked.folds),
        ("seed", fitted.seed != asked.seed),
        ("target_tokens", tokens && fit.laws.iter().any(needs_tokens)),
        ("repetition", other_epochs(fitted, asked)),
        (
            "optimizer",
            exact && options.is_some_and(|options| !options.is_convex()),
        ),
    ];
    let found = differs.iter().find(|(_, differs)| *differs);
    found.map(|(setting, _)| *setting)
}

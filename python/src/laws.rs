//! Fitted laws: what mixtures are predicted to lose.
#![allow(clippy::needless_pass_by_value)] // arguments of Python come by value

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

use numpy::ndarray::{Array2, ArrayView2, s};
use numpy::{PyArray2, PyReadonlyArray2, PyReadwriteArray2, ToPyArray as _};
use olmix_core::law::{FittedLaw, LawBatch, LawSettings};
use olmix_core::{
    Direction, DomainSet, LawKind, Matrix, Mixture, Swarm, Task, first_that_is_no_mixture,
};
use olmix_io::MixtureFile;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::errors::{argument, core_of, internal, io};
use crate::run::{run, run_whole};

/// Rows that a thread predicts at a time.
const ROWS: usize = 1024;

/// One law per task over the same domains.
#[pyclass(frozen, module = "olmix._olmix")]
pub struct Laws {
    /// The laws, by task.
    pub laws: Vec<FittedLaw>,
    /// Number of domains.
    pub domains: usize,
}

#[pymethods]
impl Laws {
    /// The laws of a `mixture.json`, given as text; `name` is what messages call it.
    #[staticmethod]
    fn of_mixture(name: &str, text: &str) -> PyResult<Self> {
        let file = MixtureFile::parse(name, text).map_err(|error| io(&error))?;
        Ok(Self {
            domains: file.domains.len(),
            laws: file.laws().unwrap_or_default(),
        })
    }

    /// Fits a law of one kind to each column of `losses` (runs × tasks).
    #[staticmethod]
    #[pyo3(signature = (kind, mixtures, losses, prior, huber_delta, ridge, target_tokens, seed, progress))]
    fn fit(
        py: Python<'_>,
        kind: &str,
        mixtures: PyReadonlyArray2<'_, f64>,
        losses: PyReadonlyArray2<'_, f64>,
        prior: Option<Vec<f64>>,
        huber_delta: Option<f64>,
        ridge: Option<f64>,
        target_tokens: Option<f64>,
        seed: u64,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let names: Vec<&str> = LawKind::FITTED.iter().map(|kind| kind.name()).collect();
        let known = LawKind::FITTED.iter().find(|known| known.name() == kind);
        let Some(&kind) = known else {
            let message = format!("{kind:?} is not a law that can be fitted alone");
            return Err(argument(
                "kind",
                &message,
                &format!("one of {}", names.join(", ")),
            ));
        };
        for (setting, given, takes) in [
            (
                "huber_delta",
                huber_delta.is_some(),
                olmix_core::law::LawSetting::HuberDelta,
            ),
            ("ridge", ridge.is_some(), olmix_core::law::LawSetting::Ridge),
        ] {
            if given && !kind.takes(takes) {
                let message = format!("the law {} does not take it", kind.name());
                return Err(argument(setting, &message, "leave it out"));
            }
        }
        let options = kind.options(&LawSettings {
            huber_delta,
            ridge,
            target_tokens,
            seed,
        });
        let Some(options) = options else {
            let message = format!("the law {} needs the tokens of the run", kind.name());
            return Err(argument("target_tokens", &message, "give target_tokens"));
        };
        let refused = |error| core_of("Law.fit", error);
        let (x, y) = (matrix(&mixtures.as_array()), matrix(&losses.as_array()));
        let domains = DomainSet::from_names((0..x.columns()).map(|j| format!("column {j}")));
        let domains = domains.map_err(refused)?;
        let task = |i: usize| Task {
            name: format!("task {i}"),
            family: "all".into(),
            weight: 1.0 / y.columns() as f64,
            direction: Direction::Min,
            offset: 0.0,
        };
        let prior = if let Some(prior) = prior {
            Mixture::new(domains.clone(), prior)
        } else {
            let mean = |j: usize| (0..x.rows()).map(|i| x.get(i, j)).sum::<f64>();
            let means = (0..x.columns()).map(mean).collect();
            Mixture::proportional_to(domains.clone(), means)
        };
        let prior = prior.map_err(refused)?;
        let tasks: Vec<Task> = (0..y.columns()).map(task).collect();
        let runs = (0..x.rows()).map(|i| format!("row {i}")).collect();
        let width = x.columns();
        let swarm = Swarm::new(domains, tasks, runs, x, y).map_err(refused)?;
        let fitted = run(py, progress, move |watch| {
            watch.begin("fitting laws", swarm.tasks().len());
            options.fit(&swarm, prior.weights(), &|| watch.advance())
        })?;
        let fitted = fitted.map_err(refused)?;
        Ok(Self {
            laws: fitted.into_iter().map(|(law, _)| law).collect(),
            domains: width,
        })
    }

    /// Fills `losses` (mixtures × tasks, in rows) with what `mixtures` are predicted to lose. With `check`, the first row
    /// that is no mixture is returned where there is one, and `losses` mean nothing then.
    fn predict(
        &self,
        py: Python<'_>,
        mixtures: PyReadonlyArray2<'_, f64>,
        mut losses: PyReadwriteArray2<'_, f64>,
        check: bool,
    ) -> PyResult<Option<usize>> {
        let (mixtures, mut losses) = (mixtures.as_array(), losses.as_array_mut());
        self.check(&mixtures)?;
        let has_shape = losses.dim() == (mixtures.nrows(), self.laws.len());
        let Some(losses) = losses.as_slice_mut().filter(|_| has_shape) else {
            return Err(internal("losses are not mixtures × tasks in rows"));
        };
        run_whole(py, || predict(self, &mixtures, losses, check))
    }

    /// What the domains do to the log of each law's loss at `at`: tasks × domains.
    fn effects<'py>(&self, py: Python<'py>, at: Vec<f64>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        if at.len() != self.domains {
            let message = format!(
                "{} weights, and the laws have {} domains",
                at.len(),
                self.domains
            );
            return Err(argument("at", &message, "give one weight per domain"));
        }
        let rows: Vec<Vec<f64>> = self.laws.iter().map(|law| law.effects(&at)).collect();
        let effects = Array2::from_shape_fn((rows.len(), self.domains), |(i, j)| rows[i][j]);
        Ok(effects.to_pyarray(py))
    }

    /// The laws as JSON, as in `mixture.json`.
    fn json(&self) -> PyResult<String> {
        serde_json::to_string(&self.laws).map_err(|e| internal(&e.to_string()))
    }

    fn __len__(&self) -> usize {
        self.laws.len()
    }
}

impl Laws {
    fn check(&self, mixtures: &ArrayView2<'_, f64>) -> PyResult<()> {
        if mixtures.ncols() == self.domains {
            return Ok(());
        }
        let message = format!(
            "{} columns, and the laws have {} domains",
            mixtures.ncols(),
            self.domains
        );
        Err(argument(
            "mixtures",
            &message,
            "give one column per domain, in their order",
        ))
    }
}

/// Losses of mixtures, or the first row that is none, on the threads of the caller's pool: each looks at the rows that it
/// is about to predict, while they are near.
fn predict(
    laws: &Laws,
    mixtures: &ArrayView2<'_, f64>,
    losses: &mut [f64],
    check: bool,
) -> Option<usize> {
    let (m, tasks) = (laws.domains, laws.laws.len());
    let batch = LawBatch::new(m, &laws.laws);
    let refused = AtomicUsize::new(usize::MAX);
    let chunks = losses.par_chunks_mut((ROWS * tasks).max(1)).enumerate();
    chunks.for_each(|(chunk, losses)| {
        let (first, last) = (chunk * ROWS, mixtures.nrows().min((chunk + 1) * ROWS));
        let rows = mixtures.slice(s![first..last, ..]);
        let rows = rows
            .as_slice()
            .map_or_else(|| Cow::Owned(rows.iter().copied().collect()), Cow::Borrowed);
        match first_that_is_no_mixture(&rows, m).filter(|_| check) {
            Some(row) => drop(refused.fetch_min(first + row, Ordering::Relaxed)),
            None => batch.predict(&rows, losses),
        }
    });
    Some(refused.into_inner()).filter(|&row| row < usize::MAX)
}

/// A copy as the method holds it.
pub fn matrix(array: &ArrayView2<'_, f64>) -> Matrix {
    Matrix::from_fn(array.nrows(), array.ncols(), |i, j| array[[i, j]])
}

/// A copy as Python holds it.
pub fn array<'py>(py: Python<'py>, matrix: &Matrix) -> Bound<'py, PyArray2<f64>> {
    let cells = |(i, j)| matrix.get(i, j);
    Array2::from_shape_fn((matrix.rows(), matrix.columns()), cells).to_pyarray(py)
}

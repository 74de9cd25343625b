//! Everything that requests share: read once, and never changed by them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::background::Background;
use crate::error::ApiError;
use crate::export::formats;
use crate::model::Model;
use crate::runs::Runs;
use crate::settings::Settings;
use crate::solve::solve;
use crate::source::{Fitted, OpenError, Source, fitted, model};
use crate::swarm::Watch;

/// What is explored.
#[derive(Debug)]
pub struct Explorer {
    /// The path that was given.
    path: PathBuf,
    /// When the mixture file was written, and its size, as it was read.
    read: Option<Written>,
    /// What the path that was given names.
    pub source: Source,
    /// The laws; none where a project or a ledger has no mixture yet.
    pub model: Option<Arc<Model>>,
    /// The fit behind the mixture file, where its files are at hand.
    pub fitted: Option<Arc<Fitted>>,
    /// The runs that the laws were fitted to.
    pub runs: Option<Arc<Runs>>,
    /// What is fitted while the page is looked at; begun with the first server.
    pub background: Option<Arc<Background>>,
    /// What the user should know.
    pub notices: Vec<String>,
}

impl Explorer {
    /// Opens what a path names.
    ///
    /// # Errors
    /// [`OpenError`] for a path that is none of a fit, a project and a ledger, and for a mixture file that can't be
    /// used.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let source = Source::find(path)?;
        let mut explorer = Self {
            path: path.to_owned(),
            // Before it is read: one that is written meanwhile is another one.
            read: source.mixture.as_deref().map(written),
            model: None,
            fitted: None,
            runs: None,
            background: None,
            notices: Vec::new(),
            source,
        };
        if let Some(file) = explorer.source.mixture.clone() {
            explorer.open_mixture(&file)?;
        }
        Ok(explorer)
    }

    fn open_mixture(&mut self, path: &Path) -> Result<(), OpenError> {
        let mut model = model(path)?;
        match fitted(path, &model.file) {
            Ok(fitted) => {
                model.frozen.clone_from(&fitted.loaded.spec.frozen);
                self.runs = Some(Arc::new(Runs::new(&fitted.loaded.swarm)));
                self.fitted = Some(Arc::new(fitted));
            }
            Err(reason) => self.notices.push(format!(
                "The runs of this fit are not shown, and nothing can be saved: {reason}"
            )),
        }
        self.notices.extend(differs(&model));
        self.model = Some(Arc::new(model));
        Ok(())
    }

    /// Whether the mixture file is the one that was read.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.source.mixture.as_deref().map(written) == self.read
            && Source::find(&self.path).is_ok_and(|now| now.mixture == self.source.mixture)
    }

    /// Opens the same path again, with what is fitted in the background.
    ///
    /// # Errors
    /// [`ApiError`] for a path or file that can't be used any more.
    pub fn again(&self) -> Result<Self, ApiError> {
        let mut again = Self::open(&self.path).map_err(|error| {
            let text = error.to_string();
            let (message, help) = text.split_once("\n  help: ").unwrap_or((text.as_str(), ""));
            ApiError::conflict(message, help)
        })?;
        again.begin_background();
        Ok(again)
    }

    /// A watch over the files behind the views.
    #[must_use]
    pub fn watch(&self) -> Watch {
        // Those that may come to be, too.
        let mut files = ["mixture.json", "out/mixture.json"]
            .map(|name| self.path.join(name))
            .to_vec();
        files.extend(self.source.mixture.iter().cloned());
        let mut runs = None;
        if let Some(ledger) = &self.source.ledger {
            files.push(ledger.clone());
            files.push(ledger.with_file_name("ledger.sqlite-wal"));
            runs = ledger.parent().map(Path::to_owned);
        }
        if let Some(root) = &self.source.project {
            files.extend(
                [
                    "olmix.yaml",
                    ".olmix/ledger.sqlite",
                    ".olmix/ledger.sqlite-wal",
                ]
                .map(|name| root.join(name)),
            );
        }
        Watch::new(files, runs)
    }

    /// Begins to fit what intervals and other laws' answers need.
    pub fn begin_background(&mut self) {
        if let (Some(model), Some(fitted), None) = (&self.model, &self.fitted, &self.background) {
            self.background = Some(Background::begin(model, fitted));
        }
    }

    /// The model, where there is one.
    ///
    /// # Errors
    /// [`ApiError`] where there is none.
    pub fn laws(&self) -> Result<Arc<Model>, ApiError> {
        self.model.clone().ok_or_else(|| {
            ApiError::conflict(
                "there is no mixture.json here yet",
                "fit the swarm: olmix fit --config …",
            )
        })
    }

    /// The config that gives this fit, where it is at hand: then mixtures can be saved.
    #[must_use]
    pub fn config(&self) -> Option<PathBuf> {
        let fitted = self.fitted.as_ref().filter(|fitted| fitted.complete);
        fitted.map(|fitted| fitted.config.clone())
    }

    /// The answer to what is explored: the mixture file and the settings that it was solved with.
    #[must_use]
    pub fn describe(&self) -> Value {
        let model = self.model.as_deref();
        json!({
            "mixture": model.map(|model| &model.file),
            "settings": model.map(|model| Settings::of_file(&model.file)),
            "config": self.config(),
            "runs_known": self.runs.is_some(),
            "project": self.source.project.is_some(),
            "ledger": self.source.ledger.is_some(),
            "exact": model.is_none_or(|model| model.convex),
            "formats": formats(),
            "title": self.title(),
            "notices": self.notices,
            "olmix": env!("CARGO_PKG_VERSION"),
        })
    }

    fn title(&self) -> String {
        let paths = [
            &self.source.mixture,
            &self.source.project,
            &self.source.ledger,
        ];
        let path = paths.into_iter().flatten().next();
        path.map_or_else(String::new, |path| path.display().to_string())
    }
}

/// When a file was written, and its size; `None` for one that is not there.
type Written = Option<(SystemTime, u64)>;

fn written(file: &Path) -> Written {
    let found = fs::metadata(file).ok()?;
    Some((found.modified().ok()?, found.len()))
}

/// Says so where a solve with a file's own settings gives another mixture than it holds.
fn differs(model: &Model) -> Option<String> {
    let optimizer = model.file.optimizer.as_ref()?;
    let weights: Vec<f64> = model
        .file
        .domains
        .iter()
        .map(|domain| domain.weight)
        .collect::<Option<_>>()?;
    let how = if model.convex {
        "exactly"
    } else {
        "by descent from two starts"
    };
    if optimizer.kind != "exact" || optimizer.worst {
        let what = if optimizer.worst {
            "the worst mixture".to_owned()
        } else {
            format!("by `{}`", optimizer.kind)
        };
        return Some(format!(
            "The fit found its mixture {what}; the explorer solves {how}, so that its mixtures differ"
        ));
    }
    if model.file.objective.is_some() {
        return Some(
            "The fit has an objective of its own (guardrails, or the largest loss in place of the average); the \
             explorer minimizes the average loss without guardrails, so that its mixtures differ"
                .to_owned(),
        );
    }
    let solved = solve(model, None, &Settings::of_file(&model.file)).ok()?;
    let apart = solved
        .weights
        .iter()
        .zip(&weights)
        .any(|(a, b)| (a - b).abs() > 1e-6);
    apart.then(|| {
        "A solve with the settings of the file gives another mixture than the file holds: its fit asked for something \
         that the file does not say, such as ratios that are kept (constraints.frozen)"
            .to_owned()
    })
}

//! What a path names: a mixture file with the fit behind it, a project, the ledger of a swarm.

use std::fs;
use std::path::{Path, PathBuf};

use olmix_fs::read_bounded;
use olmix_io::yaml::Edit;
use olmix_io::{
    InputRecord, IoError, LoadedFit, MixtureFile, Overrides, load_fit_with, sha256_hex,
};
use thiserror::Error;

use crate::model::Model;

/// Why nothing can be explored.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A file can't be used.
    #[error(transparent)]
    File(#[from] IoError),
    /// There is nothing to explore.
    #[error("{}: {message}\n  help: {help}", path.display())]
    Nothing {
        /// The path that was given.
        path: PathBuf,
        /// What was found.
        message: String,
        /// What to give instead.
        help: &'static str,
    },
}

/// What is behind a path.
#[derive(Debug)]
pub struct Source {
    /// The mixture file, where there is one.
    pub mixture: Option<PathBuf>,
    /// The folder of the project, where there is one.
    pub project: Option<PathBuf>,
    /// The ledger of a swarm, where the path names its folder.
    pub ledger: Option<PathBuf>,
}

/// A mixture file in a fit's output folder.
const MIXTURE: &str = "mixture.json";
/// The config of a project.
const PROJECT: &str = "olmix.yaml";
/// A swarm's ledger.
const LEDGER: &str = "ledger.sqlite";

impl Source {
    /// Looks at what a path is.
    ///
    /// # Errors
    /// [`OpenError`] for a path that is nothing of these.
    pub fn find(path: &Path) -> Result<Self, OpenError> {
        let nothing = |message: &str| OpenError::Nothing {
            path: path.to_owned(),
            message: message.to_owned(),
            help: "give a folder that `olmix fit` wrote, its mixture.json, a project's folder, or the folder of a \
                   swarm's ledger",
        };
        let found = fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => nothing("there is no such file or folder"),
            _ => IoError::read(path, &error).into(),
        })?;
        if !found.is_dir() {
            return Ok(Self {
                project: project_above(path),
                mixture: Some(path.to_owned()),
                ledger: None,
            });
        }
        let there = |name: &str| Some(path.join(name)).filter(|file| file.is_file());
        let is_ledger = there(LEDGER).is_some();
        let mut source = Self {
            // A swarm's folder has its runs in `runs` and its fit in `out`.
            mixture: there(MIXTURE)
                .or_else(|| there("out/mixture.json"))
                .or_else(|| there("../out/mixture.json").filter(|_| is_ledger)),
            project: project_above(path),
            ledger: there(LEDGER).or_else(|| there("runs/ledger.sqlite")),
        };
        if source.mixture.is_some() && source.ledger.is_none() {
            source.ledger = there("../runs/ledger.sqlite");
        }
        let own_project = source.project.as_deref() == Some(&absolute(path));
        if source.mixture.is_none() && source.ledger.is_none() && !own_project {
            return Err(nothing(
                "there is no mixture.json, no olmix.yaml and no ledger.sqlite in it",
            ));
        }
        Ok(source)
    }
}

fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The nearest folder with an olmix.yaml, from a path upwards.
fn project_above(path: &Path) -> Option<PathBuf> {
    let path = absolute(path);
    path.ancestors()
        .find(|folder| folder.join(PROJECT).is_file())
        .map(Path::to_owned)
}

/// The fit behind a mixture file.
#[derive(Debug)]
pub struct Fitted {
    /// The runs, and what was asked of them.
    pub loaded: LoadedFit,
    /// The config that was read: the one that the fit was given, or the one that it wrote.
    pub config: PathBuf,
    /// Whether the config alone gives this fit. The runs of one that had options of a command line are known, but
    /// it can't be saved.
    pub complete: bool,
    /// Where the tables of the newest swarm are, where the config alone does not say.
    pub tables: Vec<(&'static str, PathBuf)>,
    /// The folder for configs that are saved: that of the config that the fit was given, or the mixture file's.
    pub folder: PathBuf,
}

/// Reads the fit that a mixture file came from, as far as its files are where they were and as they were.
///
/// # Errors
/// Why the runs can't be shown: a sentence without a full stop.
pub fn fitted(path: &Path, file: &MixtureFile) -> Result<Fitted, String> {
    let roots = roots(path);
    let (mut reason, mut part) = (None, None);
    for config in configs(path, file, &roots) {
        match load(&config, path, file, &roots) {
            Ok(fitted) if fitted.complete => return Ok(fitted),
            Ok(fitted) => {
                part.get_or_insert(fitted);
            }
            Err(error) => {
                reason.get_or_insert(error);
            }
        }
    }
    if let Some(fitted) = part {
        return Ok(fitted);
    }
    Err(reason.unwrap_or_else(|| {
        let config = file.inputs.iter().find(|input| input.role == "config");
        match config {
            Some(config) => format!(
                "the fit's config {} is not there, or was changed since",
                config.path
            ),
            None => "the mixture file names no config".to_owned(),
        }
    }))
}

/// The config that gives the fit behind a path: a folder that a fit wrote, or its mixture file.
///
/// # Errors
/// Why there is none, in a sentence with what to give instead.
pub fn fit_behind(path: &Path) -> Result<PathBuf, String> {
    let source = Source::find(path).map_err(|error| error.to_string())?;
    let help = "give the fit config itself";
    let told = |why: String| format!("{}: {why}\n  help: {help}", path.display());
    let Some(mixture) = source.mixture else {
        return Err(told("there is no mixture.json in it".into()));
    };
    let file = MixtureFile::read(&mixture).map_err(|error| error.to_string())?;
    let fitted = fitted(&mixture, &file).map_err(told)?;
    if fitted.complete && fitted.tables.is_empty() {
        return Ok(fitted.config);
    }
    Err(told(
        "its config alone does not give this fit any more".into(),
    ))
}

/// Where relative paths of a mixture file may start: the working directory, the file's folder, those above it.
fn roots(path: &Path) -> Vec<PathBuf> {
    let mut roots = vec![PathBuf::new()];
    let file = absolute(path);
    roots.extend(file.ancestors().skip(1).take(4).map(Path::to_owned));
    roots
}

/// The file of an input with the content that it had; `None` where there is none.
fn locate(input: &InputRecord, roots: &[PathBuf]) -> Option<PathBuf> {
    let candidates = roots.iter().map(|root| root.join(&input.path));
    let same = |file: &PathBuf| {
        file.is_file() && read_bounded(file).is_ok_and(|bytes| sha256_hex(&bytes) == input.sha256)
    };
    candidates.into_iter().find(same)
}

/// The configs to try: the one that was given, where it is as it was; those that the fit wrote.
fn configs(path: &Path, file: &MixtureFile, roots: &[PathBuf]) -> Vec<PathBuf> {
    let given = file.inputs.iter().find(|input| input.role == "config");
    let mut configs: Vec<PathBuf> = given
        .and_then(|input| locate(input, roots))
        .into_iter()
        .collect();
    let written = [
        path.with_file_name(&file.config_hash).join("config.json"),
        path.with_file_name("config.json"),
    ];
    configs.extend(written.into_iter().filter(|file| file.is_file()));
    configs
}

/// Reads a config with its tables, those that moved with it among them.
fn load(
    config: &Path,
    path: &Path,
    file: &MixtureFile,
    roots: &[PathBuf],
) -> Result<Fitted, String> {
    let told = |error: IoError| error.to_string().replace("\n  help: ", "; ");
    let mut tables = Vec::new();
    let loaded = match load_fit_with(config, &Overrides::default()) {
        Ok(loaded) if same_tables(&loaded, file) => loaded,
        first => {
            // They are looked for where the mixture file says.
            for role in ["ratios", "metrics"] {
                let input = file.inputs.iter().find(|input| input.role == role);
                if let Some(found) = input.and_then(|input| locate(input, roots)) {
                    tables.push((role, absolute(&found)));
                }
            }
            let edit = |(role, found): &(&str, PathBuf)| {
                Some(Edit {
                    path: vec!["swarm".into(), (*role).into()],
                    value: format!("'{}'", found.to_str()?.replace('\'', "''")),
                    append: false,
                    given_as: format!("{role} of the mixture file"),
                })
            };
            let overrides = Overrides {
                edits: tables.iter().filter_map(edit).collect(),
                ..Overrides::default()
            };
            match (load_fit_with(config, &overrides), first) {
                (Ok(loaded), _) if same_tables(&loaded, file) => loaded,
                (_, Err(error)) | (Err(error), Ok(_)) => return Err(told(error)),
                (Ok(_), Ok(_)) => {
                    return Err("the tables of the runs were changed since this fit".to_owned());
                }
            }
        }
    };
    let names = loaded.swarm.domains().names();
    let tasks = loaded.swarm.tasks();
    if !names.eq(file.domains.iter().map(|domain| domain.name.as_str())) || tasks != file.tasks() {
        return Err(format!(
            "{} gives other domains or tasks than this mixture has",
            config.display()
        ));
    }
    let given = file.inputs.iter().find(|input| input.role == "config");
    let given = given.and_then(|input| {
        let candidates = roots.iter().map(|root| root.join(&input.path));
        candidates.into_iter().find(|file| file.is_file())
    });
    let beside = given.unwrap_or_else(|| path.to_owned());
    Ok(Fitted {
        complete: loaded.config_hash() == file.config_hash,
        loaded,
        config: config.to_owned(),
        tables,
        folder: beside.parent().map(Path::to_owned).unwrap_or_default(),
    })
}

/// Whether the tables that were read have the content that the fit's tables had.
fn same_tables(loaded: &LoadedFit, file: &MixtureFile) -> bool {
    let sums = |inputs: &[InputRecord]| -> Vec<String> {
        let tables = inputs.iter().filter(|input| input.role != "config");
        tables.map(|input| input.sha256.clone()).collect()
    };
    sums(&loaded.inputs) == sums(&file.inputs)
}

/// The model of a mixture file.
///
/// # Errors
/// Those of reading it, and for a file without laws.
pub fn model(path: &Path) -> Result<Model, OpenError> {
    let file = MixtureFile::read(path)?;
    if file.phases.is_some() {
        return Err(OpenError::Nothing {
            path: path.to_owned(),
            message: "this mixture is of several phases, and the explorer shows one mixture"
                .to_owned(),
            help: "look at report.html beside it, or explore the fit of a swarm without phases",
        });
    }
    Model::new(file).map_err(|message| OpenError::Nothing {
        path: path.to_owned(),
        message,
        help: "explore the result of a fit with a law, such as `regression: {type: auto}`",
    })
}

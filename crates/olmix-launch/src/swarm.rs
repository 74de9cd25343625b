//! Where a swarm lies: its folder of launch configs, its folder of runs, and its ledger.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use olmix_io::LaunchConfig;
use olmix_io::launch_config::PhaseConfig;
use olmix_ledger::{Ledger, NewRun, NewSwarm, PhaseMixture, RerunPolicy, Run, Swarm, SyncSummary};

use crate::LaunchError;
use crate::engine::cluster::SUBMISSIONS;
use crate::host::clock::now;

/// The ledger's name in a folder of runs.
pub const LEDGER: &str = "ledger.sqlite";

/// Paths of a swarm, absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmPaths {
    /// The folder of launch configs.
    pub variants: PathBuf,
    /// The folder of runs.
    pub out: PathBuf,
    /// The file of the ledger.
    pub ledger: PathBuf,
}

impl SwarmPaths {
    /// The paths of a folder of launch configs: its runs are in `runs` beside it, and the ledger is with
    /// them, where nothing else is said.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] for folders that can't be used.
    pub fn new(
        variants: &Path,
        out: Option<&Path>,
        ledger: Option<&Path>,
    ) -> Result<Self, LaunchError> {
        if !variants.is_dir() {
            return Err(LaunchError::refused(
                format!(
                    "{}: {}",
                    variants.display(),
                    if variants.is_file() {
                        "is a file, and not a folder of launch configs"
                    } else {
                        "there is no such folder"
                    }
                ),
                "give --variants the folder of launch configs that `olmix generate --base` wrote",
            ));
        }
        let variants = resolve_path(variants)?;
        let out = match out {
            Some(out) => resolve_path(out)?,
            None => variants.with_file_name("runs"),
        };
        if out == variants {
            return Err(LaunchError::refused(
                format!(
                    "{}: runs can't be written among their launch configs",
                    out.display()
                ),
                "give another --out",
            ));
        }
        let ledger = match ledger {
            Some(ledger) => resolve_path(ledger)?,
            None => out.join(LEDGER),
        };
        Ok(Self {
            variants,
            out,
            ledger,
        })
    }

    /// Records the swarm in the ledger, and brings its runs in line with the launch configs.
    ///
    /// # Errors
    /// [`LaunchError`] for a ledger that can't be used, and a folder of runs that is another swarm's.
    pub fn register(
        &self,
        ledger: &mut Ledger,
        variants: &[Variant],
        rerun: RerunPolicy,
    ) -> Result<(Swarm, SyncSummary), LaunchError> {
        let own = self.out.join(LEDGER);
        if own != self.ledger && own.exists() {
            return Err(LaunchError::refused(
                format!(
                    "{}: these runs are recorded in the ledger beside them",
                    self.out.display()
                ),
                "leave --ledger out, or give another --out",
            ));
        }
        let folder = || self.variants.file_name().map(|name| name.to_string_lossy());
        let name = variants.first().and_then(Variant::swarm_name);
        let swarm = ledger.swarm(
            &NewSwarm {
                name: name.unwrap_or_else(|| folder().unwrap_or_default().into_owned()),
                variants: self.variants.clone(),
                out: self.out.clone(),
            },
            now(),
        )?;
        if swarm.variants != self.variants {
            if swarm.variants.is_dir() {
                return Err(LaunchError::refused(
                    format!(
                        "{}: holds the runs of another swarm, that of {}",
                        self.out.display(),
                        swarm.variants.display()
                    ),
                    "give another --out",
                ));
            }
            ledger.move_variants(swarm.id, &self.variants)?;
        }
        let runs: Vec<NewRun> = variants.iter().map(Variant::new_run).collect();
        let synced = ledger.sync(swarm.id, &runs, rerun, now())?;
        let swarm = Swarm {
            variants: self.variants.clone(),
            ..swarm
        };
        Ok((swarm, synced))
    }
}

/// An absolute path, without links as far as it exists.
///
/// # Errors
/// [`LaunchError::Refused`] for a path that is not UTF-8.
pub fn resolve_path(path: &Path) -> Result<PathBuf, LaunchError> {
    let canonical = olmix_fs::canonical_prefix(path);
    if canonical.to_str().is_none() {
        return Err(LaunchError::refused(
            format!("{}: the path is not UTF-8", canonical.display()),
            "use a folder whose name is",
        ));
    }
    Ok(canonical)
}

/// The folder of a run in its swarm's folder of runs.
#[must_use]
pub fn run_folder(swarm: &Swarm, run: &Run) -> PathBuf {
    swarm.out.join(&run.name)
}

/// A launch config of a swarm.
#[derive(Debug, Clone)]
pub struct Variant {
    /// What it says.
    pub config: LaunchConfig,
    /// Its file in the folder of launch configs.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

impl Variant {
    fn new_run(&self) -> NewRun {
        NewRun {
            name: self.config.name.clone(),
            config: self.file.clone(),
            config_sha256: self.sha256.clone(),
            mixture: self.mixture(),
            phases: self.phases(),
        }
    }

    /// What its name has in common with those of its swarm: all up to the group.
    #[must_use]
    pub fn swarm_name(&self) -> Option<String> {
        let group = self.config.group.as_ref()?;
        let before = self.config.name.split_once(group.as_str());
        Some(before.map_or_else(|| group.clone(), |(before, _)| format!("{before}{group}")))
    }

    /// Its phases, where it has some.
    #[must_use]
    pub fn phases(&self) -> Vec<PhaseMixture> {
        let weight = |leaf: &olmix_io::MixLeaf| (leaf.name.clone(), leaf.weight);
        let phase = |phase: &PhaseConfig| PhaseMixture {
            name: phase.name.clone(),
            fraction: phase.fraction,
            mixture: phase.mix.iter().map(weight).collect(),
        };
        self.config.phases.iter().map(phase).collect()
    }

    /// Leaves and their weights. With phases, the mean of theirs by their tokens.
    #[must_use]
    pub fn mixture(&self) -> Vec<(String, f64)> {
        let leaf = |leaf: &olmix_io::MixLeaf| (leaf.name.clone(), leaf.weight);
        self.config.mix.iter().map(leaf).collect()
    }
}

/// Whether a run's folder would be where the launcher keeps something in the folder of runs: the ledger and
/// what `SQLite` puts beside it, and submissions. Some file systems take `A` and `a` for the same.
fn is_reserved(name: &str) -> bool {
    let name = name.to_lowercase();
    name == SUBMISSIONS || name.starts_with(LEDGER)
}

/// Reads every launch config of a folder, in the order of their files' names.
///
/// # Errors
/// [`LaunchError`] for a folder without one, one that can't be used, and a name that occurs twice.
pub fn load_variants(folder: &Path) -> Result<Vec<Variant>, LaunchError> {
    let unreadable = |error: std::io::Error| {
        LaunchError::refused(
            format!("{}: can't be read: {error}", folder.display()),
            "give the folder of launch configs",
        )
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy());
        let name = name.unwrap_or_default().into_owned();
        let yaml = [".yaml", ".yml"].iter().any(|end| name.ends_with(end));
        if yaml && !name.starts_with('.') {
            files.push((name, path));
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(LaunchError::refused(
            format!("{}: holds no launch config (*.yaml)", folder.display()),
            "let `olmix generate --base launch.yaml` write them",
        ));
    }
    let mut variants: Vec<Variant> = Vec::new();
    let mut names: HashMap<String, String> = HashMap::new();
    for (file, path) in files {
        let (config, record) = LaunchConfig::load(&path)?;
        if is_reserved(&config.name) {
            return Err(LaunchError::refused(
                format!(
                    "{}: {file} has the name `{}`, which is that of a file of the launcher's own",
                    folder.display(),
                    config.name
                ),
                "give it another name; its run's folder has this name",
            ));
        }
        if let Some(first) = names.insert(config.name.clone(), file.clone()) {
            return Err(LaunchError::refused(
                format!(
                    "{}: {first} and {file} have the same name `{}`",
                    folder.display(),
                    config.name
                ),
                "give every launch config a unique name; its run's folder has this name",
            ));
        }
        variants.push(Variant {
            config,
            file,
            sha256: record.sha256,
        });
    }
    Ok(variants)
}

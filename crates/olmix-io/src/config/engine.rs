//! The section `engine` of launch configs and of `olmix.yaml`: what runs a swarm, and what each run gets
//! there.

mod amount;
mod secrets;
mod values;

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::yaml::{Document, Value};
use crate::error::IoError;
use crate::input::{InputFile, MAX_CONFIG_BYTES};
use crate::messages::{excerpt, listed};
pub use secrets::MASK;
use values::{json, lines, variable};

/// Every engine, one line each: what help says of it, its name in Rust and in configs, and the module of
/// `olmix-launch` that has it. Calls a macro with the list; further lines for it may follow a `;`.
#[macro_export]
macro_rules! for_each_engine {
    ($macro:ident $(; $($more:tt)*)?) => {
        $macro! {
            #[doc = "Processes of this machine."]
            Local = "local" => local;
            #[doc = "Job arrays of the Slurm cluster that this machine is a login node of."]
            Slurm = "slurm" => slurm;
            #[doc = "Jobs of a Ray cluster, through its dashboard's address."]
            Ray = "ray" => ray;
            $($($more)*)?
        }
    };
}

macro_rules! engine_kinds {
    ($( #[doc = $summary:literal] $kind:ident = $name:literal => $module:ident; )+) => {
        /// What starts the processes of runs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EngineKind {
            $( #[doc = $summary] #[serde(rename = $name)] $kind, )+
        }

        impl EngineKind {
            /// Every engine, in the order that help lists them.
            pub const ALL: &'static [Self] = &[ $( Self::$kind, )+ ];

            /// Its name, as in `--engine` and in configs.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $( Self::$kind => $name, )+
                }
            }

            /// A sentence for help.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self {
                    $( Self::$kind => $summary, )+
                }
            }
        }
    };
}

for_each_engine!(engine_kinds);

impl Default for EngineKind {
    /// Processes of this machine, where a config names no engine.
    fn default() -> Self {
        Self::Local
    }
}

/// The section `engine`. What is `None` or empty is left to the engine.
///
/// Settings of one engine may stand beside those of another, as a swarm can change engines;
/// [`EngineConfig::notices`] names those that have no effect.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// The engine that new runs go to; `local` where the section does not say.
    #[serde(rename = "type")]
    pub kind: EngineKind,
    /// Most runs at once.
    pub jobs: Option<u32>,
    /// GPUs of a run.
    pub gpus: Option<u32>,
    /// Ray: the share of a GPU that a run gets, below 1; `gpus` is 1 then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_fraction: Option<f64>,
    /// Cores of a run.
    pub cpus: Option<u32>,
    /// Memory of a run, as Slurm writes it: `32G`.
    pub memory: Option<String>,
    /// Slurm: most time of a run, as `sbatch --time` takes it.
    pub time: Option<String>,
    /// Slurm: machines of a run.
    pub nodes: Option<u32>,
    /// Slurm: the partition.
    pub partition: Option<String>,
    /// Slurm: the account.
    pub account: Option<String>,
    /// Slurm: the quality of service.
    pub qos: Option<String>,
    /// Slurm: generic resources, in place of `gpus`.
    pub gres: Option<String>,
    /// Slurm: further options of `sbatch`, passed on as they are.
    pub options: Vec<String>,
    /// Ray: the address of the dashboard; `RAY_ADDRESS` where not given.
    pub address: Option<String>,
    /// Ray: the runtime environment, passed on as it is.
    pub runtime_env: Option<serde_json::Value>,
    /// Ray: custom resources of a run.
    pub resources: Vec<(String, f64)>,
    /// Shell lines before a run's commands, such as `module load`.
    pub setup: Vec<String>,
    /// What goes before each command of a run, such as `apptainer exec --nv image.sif`.
    pub container: Option<String>,
    /// Variables of the environment.
    pub env: Vec<(String, String)>,
    /// The working directory, where it is not the launcher's.
    pub workdir: Option<String>,
    /// Where folders of runs are, when launcher and nodes share no filesystem: `s3://bucket/prefix`.
    pub storage: Option<String>,
    /// The folder on a node that a run works in, with `storage`.
    pub scratch: Option<String>,
    /// This program on the nodes, where its path is not the launcher's.
    pub program: Option<String>,
    /// Evaluation as a job of its own, with what differs from the training's.
    pub evaluation: Option<Box<EngineConfig>>,
}

impl EngineConfig {
    /// Reads the section of a file, which is a launch config or `olmix.yaml`; `None` where there is none.
    ///
    /// # Errors
    /// [`IoError::Read`], and [`IoError::Input`] for the first thing that can't be used.
    pub fn load(path: &Path) -> Result<Option<Self>, IoError> {
        let input = InputFile::read(path, Some(MAX_CONFIG_BYTES))?;
        let document = Document::parse(&input.name, input.text()?)?;
        let mut root = document.root().section()?;
        root.optional("engine").as_ref().map(Self::read).transpose()
    }

    /// Reads the section: the name of an engine, or a mapping.
    ///
    /// # Errors
    /// [`IoError::Input`] for the first thing that can't be used.
    pub fn read(value: &Value<'_>) -> Result<Self, IoError> {
        if value.text().is_ok() {
            return Ok(Self {
                kind: kind(value)?,
                ..Self::default()
            });
        }
        Self::default().overridden(value, false)
    }

    /// With what a mapping says in place of what was said before.
    fn overridden(mut self, value: &Value<'_>, nested: bool) -> Result<Self, IoError> {
        let mut section = value.section()?;
        if !nested {
            if let Some(value) = section.optional("type") {
                self.kind = kind(&value)?;
            }
            self.storage = text(section.optional("storage"))?;
            self.scratch = text(section.optional("scratch"))?;
            self.program = text(section.optional("program"))?;
            self.workdir = text(section.optional("workdir"))?;
            self.address = text(section.optional("address"))?;
            if let Some(storage) = &self.storage
                && !storage.contains("://")
            {
                return Err(value.error(
                    format!("`engine.storage` is {}, which is not a URL", excerpt(storage)),
                    "use a URL such as s3://bucket/prefix; on a shared filesystem leave it out and give \
                     --out",
                ));
            }
        }
        let mut set = |key: &'static str, setting: &mut Option<String>| {
            let found = text(section.optional(key))?;
            if found.is_some() {
                *setting = found;
            }
            Ok::<(), IoError>(())
        };
        set("partition", &mut self.partition)?;
        set("account", &mut self.account)?;
        set("qos", &mut self.qos)?;
        set("gres", &mut self.gres)?;
        set("container", &mut self.container)?;
        if let Some(value) = section.optional("memory") {
            let words = value.name()?;
            let amount = amount::memory(words);
            let what =
                "an amount of memory such as 32G or 500M (powers of 1024; a number alone is in M)";
            self.memory = Some(amount.ok_or_else(|| value.must_be(what))?.0);
        }
        if let Some(value) = section.optional("time") {
            let words = value.text()?;
            if amount::seconds(words).is_none() {
                return Err(value.must_be("a time such as 90 (minutes), 2:30:00 or 1-12:00:00"));
            }
            self.time = Some(words.to_owned());
        }
        if let Some(value) = section.optional("gpus") {
            self.read_gpus(&value)?;
        }
        let mut whole = |key: &'static str, least: u64, setting: &mut Option<u32>| {
            if let Some(value) = section.optional(key) {
                let number = value.whole().ok().filter(|number| *number >= least);
                let number = number.and_then(|number| u32::try_from(number).ok());
                *setting = Some(number.ok_or_else(|| value.must_be("a whole number above 0"))?);
            }
            Ok::<(), IoError>(())
        };
        whole("jobs", 1, &mut self.jobs)?;
        whole("cpus", 1, &mut self.cpus)?;
        whole("nodes", 1, &mut self.nodes)?;
        let mut list = |key: &'static str, setting: &mut Vec<String>| {
            if let Some(value) = section.optional(key) {
                *setting = lines(key, &value)?;
            }
            Ok::<(), IoError>(())
        };
        list("setup", &mut self.setup)?;
        list("options", &mut self.options)?;
        if let Some(value) = section.optional("env") {
            let entries = value.entries()?.into_iter();
            self.env = entries
                .map(|(name, value)| Ok((variable(name, &value)?, value.text()?.to_owned())))
                .collect::<Result<_, IoError>>()?;
        }
        if let Some(value) = section.optional("resources") {
            let entries = value.entries()?.into_iter();
            let number = |value: &Value<'_>| value.number_that("a number above 0", |x| x > 0.0);
            self.resources = entries
                .map(|(name, value)| Ok((name.to_owned(), number(&value)?)))
                .collect::<Result<_, IoError>>()?;
        }
        if let Some(value) = section.optional("runtime_env") {
            value.section()?;
            self.runtime_env = Some(json(&value));
        }
        if !nested && let Some(value) = section.optional("evaluation") {
            let base = Self {
                evaluation: None,
                ..self.clone()
            };
            self.evaluation = Some(Box::new(base.overridden(&value, true)?));
        }
        section.finish()?;
        Ok(self)
    }

    /// Whole GPUs, or a share of one.
    fn read_gpus(&mut self, value: &Value<'_>) -> Result<(), IoError> {
        let whole = value.whole().ok().and_then(|n| u32::try_from(n).ok());
        self.gpu_fraction = match whole {
            Some(_) => None,
            None => Some(value.number_that(
                "a whole number, or with Ray a share of one GPU such as 0.5",
                |share| 0.0 < share && share < 1.0,
            )?),
        };
        self.gpus = whole.or(Some(1));
        if self.gpu_fraction.is_some() && self.kind != EngineKind::Ray {
            return Err(value.must_be("a whole number; only Ray gives a run a share of a GPU"));
        }
        Ok(())
    }

    /// The settings that the engine does not take, because they are another engine's: one notice an engine.
    ///
    /// ```
    /// use olmix_io::{EngineConfig, EngineKind};
    ///
    /// let engine = EngineConfig {
    ///     kind: EngineKind::Ray,
    ///     partition: Some("gpu".into()),
    ///     ..EngineConfig::default()
    /// };
    /// assert_eq!(
    ///     engine.notices(),
    ///     ["`engine.partition` has no effect: it is a setting of slurm, and the engine is ray"]
    /// );
    /// ```
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let others = EngineKind::ALL.iter().filter(|kind| **kind != self.kind);
        others.filter_map(|other| self.notice_of(*other)).collect()
    }

    /// Names the settings of another engine that are set.
    fn notice_of(&self, other: EngineKind) -> Option<String> {
        let of_other = OWN_SETTINGS.iter().filter(|(_, kind, _)| *kind == other);
        let mut keys = Vec::new();
        for (key, _, is_set) in of_other {
            if is_set(self) {
                keys.push(format!("engine.{key}"));
            } else if self.evaluation.as_deref().is_some_and(is_set) {
                keys.push(format!("engine.evaluation.{key}"));
            }
        }
        let (verb, what) = match keys.len() {
            0 => return None,
            1 => ("has", "it is a setting"),
            _ => ("have", "they are settings"),
        };
        Some(format!(
            "{} {verb} no effect: {what} of {}, and the engine is {}",
            listed(keys.iter().map(String::as_str), keys.len()),
            other.word(),
            self.kind.word()
        ))
    }

    /// How long a run may take, where that is said.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        amount::seconds(self.time.as_deref()?).map(Duration::from_secs)
    }

    /// Memory of a run in bytes, where it is said.
    #[must_use]
    pub fn memory_bytes(&self) -> Option<u64> {
        Some(amount::memory(self.memory.as_deref()?)?.1)
    }

    /// GPUs of a run: `gpus`, or what `gres` asks for (`gpu:2`, `gpu:a100:2`), times `nodes`.
    #[must_use]
    pub fn gpus_of_run(&self) -> u32 {
        let of_gres = || {
            let gres = self.gres.as_deref()?;
            let gpu = gres.split(',').find(|part| part.starts_with("gpu"))?;
            Some(gpu.rsplit(':').next()?.parse().unwrap_or(1))
        };
        let each = self.gpus.or_else(of_gres).unwrap_or(0);
        each.saturating_mul(self.nodes.unwrap_or(1))
    }
}

/// A setting of one engine alone: its key, the engine, and whether a section sets it.
type OwnSetting = (&'static str, EngineKind, fn(&EngineConfig) -> bool);

const OWN_SETTINGS: [OwnSetting; 10] = [
    ("partition", EngineKind::Slurm, |e| e.partition.is_some()),
    ("account", EngineKind::Slurm, |e| e.account.is_some()),
    ("qos", EngineKind::Slurm, |e| e.qos.is_some()),
    ("gres", EngineKind::Slurm, |e| e.gres.is_some()),
    ("time", EngineKind::Slurm, |e| e.time.is_some()),
    ("nodes", EngineKind::Slurm, |e| e.nodes.is_some()),
    ("options", EngineKind::Slurm, |e| !e.options.is_empty()),
    ("address", EngineKind::Ray, |e| e.address.is_some()),
    ("runtime_env", EngineKind::Ray, |e| e.runtime_env.is_some()),
    ("resources", EngineKind::Ray, |e| !e.resources.is_empty()),
];

fn kind(value: &Value<'_>) -> Result<EngineKind, IoError> {
    let names: Vec<_> = EngineKind::ALL
        .iter()
        .map(|kind| (kind.word(), *kind))
        .collect();
    value.choice(&names)
}

fn text(value: Option<Value<'_>>) -> Result<Option<String>, IoError> {
    value.map(|v| v.name().map(str::to_owned)).transpose()
}

#[cfg(test)]
mod tests;

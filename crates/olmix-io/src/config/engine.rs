//! The section `engine` of launch configs and of `olmix.yaml`: what runs a swarm, and what each run gets there.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::IoError;
use crate::config::yaml::{Document, Value, Yaml};
use crate::input::InputFile;
use crate::messages::excerpt;

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
        /// What runs runs.
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

/// What the section says. What is `None` or empty is left to the engine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Which engine.
    #[serde(rename = "type")]
    pub kind: EngineKind,
    /// Most runs at once.
    pub jobs: Option<u32>,
    /// GPUs of a run.
    pub gpus: Option<u32>,
    /// Cores of a run.
    pub cpus: Option<u32>,
    /// Memory of a run, as Slurm writes it: `32G`.
    pub memory: Option<String>,
    /// Most time of a run, as Slurm writes it.
    pub time: Option<String>,
    /// Machines of a run.
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
        let input = InputFile::read(path, Some(64 << 20))?;
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
                    format!("`engine.storage` is {}, no URL", excerpt(storage)),
                    "use a URL such as s3://bucket/prefix; on a shared filesystem leave it out and give --out",
                ));
            }
        }
        let mut set = |key: &'static str, place: &mut Option<String>| {
            let found = text(section.optional(key))?;
            if found.is_some() {
                *place = found;
            }
            Ok::<(), IoError>(())
        };
        set("memory", &mut self.memory)?;
        set("partition", &mut self.partition)?;
        set("account", &mut self.account)?;
        set("qos", &mut self.qos)?;
        set("gres", &mut self.gres)?;
        set("container", &mut self.container)?;
        if let Some(value) = section.optional("time") {
            let words = value.text()?;
            if seconds(words).is_none() {
                return Err(value.must_be("a time such as 90 (minutes), 2:30:00 or 1-12:00:00"));
            }
            self.time = Some(words.to_owned());
        }
        let mut whole = |key: &'static str, least: u64, place: &mut Option<u32>| {
            if let Some(value) = section.optional(key) {
                let number = value.whole().ok().filter(|number| *number >= least);
                let number = number.and_then(|number| u32::try_from(number).ok());
                let what = if least == 0 {
                    "a whole number"
                } else {
                    "a whole number above 0"
                };
                *place = Some(number.ok_or_else(|| value.must_be(what))?);
            }
            Ok::<(), IoError>(())
        };
        whole("jobs", 1, &mut self.jobs)?;
        whole("gpus", 0, &mut self.gpus)?;
        whole("cpus", 1, &mut self.cpus)?;
        whole("nodes", 1, &mut self.nodes)?;
        let mut list = |key: &'static str, place: &mut Vec<String>| {
            if let Some(value) = section.optional(key) {
                *place = match value.items() {
                    Ok(items) => items
                        .iter()
                        .map(|item| item.text().map(str::to_owned))
                        .collect::<Result<_, _>>()?,
                    Err(_) => vec![value.text()?.to_owned()],
                };
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

    /// How long a run may take, where that is said.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        seconds(self.time.as_deref()?).map(Duration::from_secs)
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

fn kind(value: &Value<'_>) -> Result<EngineKind, IoError> {
    let names: Vec<_> = EngineKind::ALL
        .iter()
        .map(|kind| (kind.word(), *kind))
        .collect();
    value.choice(&names)
}

fn text(value: Option<Value<'_>>) -> Result<Option<String>, IoError> {
    value.map(|v| v.text().map(str::to_owned)).transpose()
}

/// A name that a shell takes for a variable.
fn variable(name: &str, value: &Value<'_>) -> Result<String, IoError> {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(name.to_owned());
    }
    Err(value.error(
        format!("`{}` is no name of a variable", excerpt(name)),
        "use letters, digits and _",
    ))
}

/// Seconds of a time as Slurm writes it: minutes, `M:S`, `H:M:S`, `D-H`, `D-H:M`, `D-H:M:S`.
fn seconds(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(days.parse::<u64>().ok()?), rest),
        None => (None, text),
    };
    let parts: Vec<u64> = rest
        .split(':')
        .map(|part| part.trim().parse().ok())
        .collect::<Option<_>>()?;
    let rest = match (days.is_some(), parts.as_slice()) {
        (true, [h]) => h * 3600,
        (true, [h, m]) => h * 3600 + m * 60,
        (_, [h, m, s]) => h * 3600 + m * 60 + s,
        (false, [m]) => m * 60,
        (false, [m, s]) => m * 60 + s,
        _ => return None,
    };
    Some(days.unwrap_or(0) * 86_400 + rest).filter(|seconds| *seconds > 0)
}

/// A YAML value as JSON; plain words as what they stand for.
fn json(value: &Value<'_>) -> serde_json::Value {
    if let Ok(entries) = value.entries() {
        let pair = |(key, value): &(&str, Value<'_>)| ((*key).to_owned(), json(value));
        return serde_json::Value::Object(entries.iter().map(pair).collect());
    }
    if let Ok(items) = value.items() {
        return items.iter().map(json).collect();
    }
    match value.to_yaml() {
        Yaml::Scalar(word) if !word.starts_with(['"', '\'']) => {
            serde_json::from_str(&word).unwrap_or_else(|_| word.as_str().into())
        }
        _ => value.text().unwrap_or_default().into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use super::*;

    fn parse(text: &str) -> Result<EngineConfig, IoError> {
        let document = Document::parse("launch.yaml", text)?;
        let mut root = document.root().section()?;
        EngineConfig::read(&root.required("engine")?)
    }

    #[test]
    fn a_block_is_read_and_survives_being_recorded() {
        let config = parse(
            "engine:\n  type: slurm\n  partition: gpu\n  gres: gpu:a100:2\n  nodes: 2\n  time: 1-02:30:00\n  jobs: 64\n  \
             setup: [module load cuda, \"export A='b c'\"]\n  env: {WANDB_MODE: offline}\n  runtime_env: {pip: [torch], env_vars: {A: \"1\"}, n: 2}\n  \
             evaluation: {partition: cpu, gpus: 0, gres: none}\n",
        )
        .unwrap();
        assert_eq!(config.kind, EngineKind::Slurm);
        assert_eq!(config.gpus_of_run(), 4);
        assert_eq!(config.limit(), Some(Duration::from_mins(1590)));
        let evaluation = config.evaluation.as_ref().unwrap();
        assert_eq!(evaluation.partition.as_deref(), Some("cpu"));
        assert_eq!(evaluation.setup, config.setup);
        let expected = serde_json::json!({"pip": ["torch"], "env_vars": {"A": "1"}, "n": 2});
        assert_eq!(config.runtime_env, Some(expected));
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<EngineConfig>(&text).unwrap(), config);
        assert_eq!(parse("engine: ray\n").unwrap().kind, EngineKind::Ray);
    }

    #[test]
    fn times_are_read_as_slurm_reads_them() {
        for (text, expected) in [
            ("90", Some(5400)),
            ("1:30", Some(90)),
            ("2:00:00", Some(7200)),
            ("1-12", Some(129_600)),
            ("1-0:30", Some(88_200)),
            ("2h", None),
            ("0", None),
            ("1:2:3:4", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn what_can_not_be_meant_is_refused_with_its_place() {
        for (text, told) in [
            ("engine: {type: slrum}\n", "did you mean `slurm`"),
            (
                "engine: {type: slurm, partiton: gpu}\n",
                "unknown key `partiton`",
            ),
            (
                "engine: {type: slurm, time: 2h}\n",
                "`engine.time` must be a time such as",
            ),
            (
                "engine: {type: slurm, gpus: -1}\n",
                "`engine.gpus` must be a whole number",
            ),
            ("engine: {storage: /scratch/x}\n", "no URL"),
            ("engine: {env: {\"A B\": c}}\n", "no name of a variable"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_file_without_the_section_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        std::fs::write(&file, "name: x\n").unwrap();
        assert_eq!(EngineConfig::load(&file).unwrap(), None);
    }
}

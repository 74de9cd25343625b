//! `trainer`: what trains a run.

use super::training::above_0;
use crate::config::yaml::Value;
use crate::error::IoError;
use crate::messages::{did_you_mean, excerpt};

/// What trains a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrainerKind {
    /// The one in this program, on the processor.
    Builtin,
    /// The one in `trainers/torch`.
    Torch,
    /// Any other program.
    Command {
        /// A shell command with `{mix_json}`, `{out}`, `{config}`, `{name}`, `{seed}`, `{threads}`,
        /// `{megatron_blend}` and `{megatron_bridge}`.
        command: String,
        /// The JSON file that it leaves its metrics in, with the same placeholders.
        metrics: String,
        /// Seconds after which it is stopped.
        timeout: Option<u64>,
    },
}

impl TrainerKind {
    /// Reads a word, or a mapping with a command.
    pub(super) fn read(value: &Value<'_>) -> Result<Self, IoError> {
        const KNOWN: [(&str, TrainerKind); 2] = [
            ("builtin", TrainerKind::Builtin),
            ("torch", TrainerKind::Torch),
        ];
        if let Ok(word) = value.text() {
            let found = KNOWN.into_iter().find(|(known, _)| *known == word);
            return found.map(|(_, kind)| kind).ok_or_else(|| {
                value.error(
                    format!("`{}` is not a trainer", excerpt(word)),
                    did_you_mean(word, KNOWN.map(|(known, _)| known), || {
                        "use builtin, torch, or {command: …, metrics: …}".to_owned()
                    }),
                )
            });
        }
        let mut section = value.section()?;
        let command = section.required("command")?.text()?.to_owned();
        let metrics = section.optional("metrics");
        let metrics = metrics
            .map_or(Ok("{out}/metrics.json"), |v| v.text())?
            .to_owned();
        let timeout = above_0(section.optional("timeout").as_ref())?;
        section.finish()?;
        Ok(TrainerKind::Command {
            command,
            metrics,
            timeout,
        })
    }
}

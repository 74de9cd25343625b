//! A mixture as the configuration of a trainer, or as a plain table: one file a format.
//!
//! ```text
//! mixture, run, data section ─► build ─► Blend ─► Format::text
//!                                 │
//!              data (paths and their weights), drawn (what the trainer draws of it)
//! ```
//!
//! A format is a file with a `FORMAT` and its line in [`Format::ALL`]. The command line takes its value, help
//! and completions from that list.

mod blend;
mod build;
mod data;
mod drawn;
mod origin;
mod round;
mod schedule;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod trainer;

pub use blend::{Blend, BlendDomain, BlendPath, Run};
pub use build::Inputs;
pub use data::{Amount, DataFile, DomainFiles};
pub use drawn::Drawn;
pub use origin::Origin;
pub use schedule::{Schedule, ScheduleDomain, ScheduleText, Stage};

use crate::error::{IoError, Location};
use crate::messages::{excerpt, listed};
use data::Reads;

/// A format that mixtures are exported to. Formats are equal when their names are.
#[derive(Debug)]
pub struct Format {
    name: &'static str,
    help: &'static str,
    extension: &'static str,
    /// What the trainer takes as data; `None` for formats that name no files.
    reads: Option<Reads>,
    /// What the text can't be written without.
    needs: Needs,
    /// What a user must know of the trainer's rounding, and how it is started: a line each.
    remarks: &'static [&'static str],
    /// What the trainer draws of a blend, as far as its rule is known and the run tells enough.
    drawn: fn(&Blend) -> Option<Drawn>,
    text: fn(&Format, &Blend) -> Result<String, IoError>,
}

/// What a format can't be written without.
#[derive(Debug, Clone, Copy)]
struct Needs {
    /// Tokens of the run.
    target_tokens: bool,
    /// Tokens of a sequence.
    sequence_length: bool,
    /// How often each domain is seen.
    epochs: bool,
}

impl Needs {
    const NOTHING: Self = Self {
        target_tokens: false,
        sequence_length: false,
        epochs: false,
    };
    /// The number of sequences, which the trainer is told.
    const SEQUENCES: Self = Self {
        target_tokens: true,
        sequence_length: true,
        epochs: false,
    };
    const TOKENS: Self = Self {
        target_tokens: true,
        ..Self::NOTHING
    };
    const EPOCHS: Self = Self {
        epochs: true,
        ..Self::NOTHING
    };
}

impl Format {
    /// Every format, in the order in which they are listed to users.
    pub const ALL: &[&Self] = &[
        &trainer::olmo_core::FORMAT,
        &trainer::olmo_core_sources::FORMAT,
        &trainer::megatron::FORMAT,
        &trainer::megatron_bridge::FORMAT,
        &trainer::huggingface::FORMAT,
        &trainer::litgpt::FORMAT,
        &trainer::streaming::FORMAT,
        &trainer::llm_foundry::FORMAT,
        &trainer::levanter::FORMAT,
        &trainer::torchtitan::FORMAT,
        &trainer::nanotron::FORMAT,
        &trainer::grain::FORMAT,
        &trainer::fairseq2::FORMAT,
        &table::mix::FORMAT,
        &table::csv::FORMAT,
        &table::json::FORMAT,
        &table::yaml::FORMAT,
    ];

    /// JSON, which `olmix export --json` prints whatever the format asked for.
    pub const JSON: &Self = &table::json::FORMAT;

    /// The format of a name, as given to `olmix export --format`; `None` for any other word.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().copied().find(|format| format.name == name)
    }

    /// The word for `olmix export --format`, such as `olmo-core`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What the file is, in a few words: the help of the command line's value.
    #[must_use]
    pub fn help(&self) -> &'static str {
        self.help
    }

    /// The extension of its files, without the dot.
    #[must_use]
    pub fn extension(&self) -> &'static str {
        self.extension
    }

    /// Whether the text names the files of each domain. Where no file is known, it names the domain instead.
    #[must_use]
    pub fn names_files(&self) -> bool {
        self.reads.is_some()
    }

    /// Whether the files of these paths must be listed, and measured where there are several.
    #[must_use]
    pub fn needs_listing(&self, paths: &[String]) -> bool {
        self.reads.is_some_and(|reads| reads.needs_listing(paths))
    }

    /// What a user of the text must know that the text does not say: names that stand for paths (`has_data`
    /// is false when no config says where the data is), and, where the format has no comments, the statement.
    #[must_use]
    pub fn notices(&self, blend: &Blend, has_data: bool) -> Vec<String> {
        let mut notices = Vec::new();
        if self.names_files() && !has_data {
            let text =
                "names of domains stand for paths; --data generate.yaml says where the data is";
            notices.push(text.to_owned());
        }
        if self.extension == "txt" {
            notices.push(text::statement(self, blend).join("\n"));
        }
        notices
    }

    /// What the trainer draws of a blend, as far as its rule is known: tokens of each domain. `None` where the run
    /// does not tell enough, and for plain tables.
    #[must_use]
    pub fn drawn(&self, blend: &Blend) -> Option<Drawn> {
        (self.drawn)(blend)
    }

    /// The text of a blend in this format, which ends with a newline. The same blend gives the same bytes.
    ///
    /// # Errors
    /// [`IoError::Input`] where the format can't hold the blend.
    pub fn text(&self, blend: &Blend) -> Result<String, IoError> {
        (self.text)(self, blend)
    }

    /// Refuses a blend that lacks what the format needs.
    fn require(&self, blend: &Blend, file: &str) -> Result<(), IoError> {
        let refuse = |what: &str, help: &str| {
            Err(IoError::input(
                file,
                Location::File,
                format!("{} needs {what}", self.name),
                help,
            ))
        };
        if self.needs.target_tokens && blend.run.target_tokens.is_none() {
            return refuse(
                "the tokens of the run",
                "give --target-tokens, such as --target-tokens 100B",
            );
        }
        if self.needs.sequence_length && blend.run.sequence_length.is_none() {
            return refuse(
                "the tokens of a sequence",
                "give --sequence-length, such as --sequence-length 4096",
            );
        }
        let unknown = blend
            .domains
            .iter()
            .filter(|domain| domain.epochs.is_none());
        let unknown: Vec<String> = unknown.map(|domain| excerpt(&domain.name)).collect();
        if self.needs.epochs && blend.run.target_tokens.is_none() {
            return refuse(
                "the tokens of the run, to say how often each domain is seen",
                "give --target-tokens, such as --target-tokens 100B",
            );
        }
        if self.needs.epochs && !unknown.is_empty() {
            return refuse(
                &format!(
                    "the tokens of every domain, to say how often each is seen: those of {} are not known",
                    listed(unknown.iter().map(String::as_str), 5)
                ),
                "give a --data config with priors.token_counts (`olmix priors compute` makes them), or with files \
                 that can be measured",
            );
        }
        Ok(())
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

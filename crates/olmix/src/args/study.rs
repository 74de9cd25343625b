//! `olmix study`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::TypedValueParser;
use olmix_core::LawKind;
use olmix_core::study::Question;

use super::fit::{TargetTables, target};
use super::{Common, LawArgs, choice};

/// A question that `olmix study` can ask.
#[derive(Debug, Clone, Copy)]
pub enum StudyQuestion {
    /// One that is answered from the swarm alone.
    Of(Question),
    /// One that needs a second metrics file.
    ProxySize,
    /// One that needs runs of the target.
    Transfer,
}

fn question() -> impl TypedValueParser<Value = StudyQuestion> {
    let of_swarm = Question::ALL.map(|(name, question)| (name, StudyQuestion::Of(question)));
    choice(of_swarm.into_iter().chain([
        ("proxy-size", StudyQuestion::ProxySize),
        ("transfer", StudyQuestion::Transfer),
    ]))
}

fn law() -> impl TypedValueParser<Value = LawKind> {
    choice(LawKind::FITTED.iter().map(|law| (law.name(), *law)))
}

/// `olmix study`.
#[derive(Debug, Args)]
pub struct StudyArgs {
    /// The question, one of those listed below.
    #[arg(value_parser = question())]
    pub question: StudyQuestion,
    /// The fit config (YAML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Number of repetitions of each setting, each with another seed.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = seeds)]
    pub seeds: usize,
    /// The law to fit; the question `laws` fits all of them [default: the config's].
    #[arg(long, value_name = "NAME", value_parser = law())]
    pub law: Option<LawKind>,
    /// Settings of the laws.
    #[command(flatten)]
    pub laws: LawArgs,
    /// For `proxy-size`: metrics of the same mixtures, measured on models of another size.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// For `transfer`: runs of a larger model or a longer horizon; repeatable [default: the config's `target`].
    #[arg(long, value_name = "RATIOS,METRICS", value_parser = target)]
    pub target: Vec<TargetTables>,
    /// Folder for the table, the figure and the journal.
    #[arg(long, value_name = "DIR", default_value = "out/study")]
    pub output_dir: PathBuf,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

fn seeds(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(seeds) if (1..=10_000).contains(&seeds) => Ok(seeds),
        _ => Err("it must be a whole number from 1 to 10000".into()),
    }
}

//! `olmix update`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use olmix_io::ProjectDomain;

use super::ProjectArgs;

/// `olmix update`.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// The change.
    #[command(subcommand)]
    pub command: UpdateCommand,
    /// Message for the log [default: a description of the change].
    #[arg(long, short, value_name = "TEXT", global = true)]
    pub message: Option<String>,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// Properties of new or revised domains.
#[derive(Debug, Args)]
pub struct DomainArgs {
    /// Path or glob of the domain's files, whose tokens are counted; for a single domain, repeatable.
    #[arg(long, value_name = "GLOB")]
    pub path: Vec<String>,
    /// Format of the files: tokens, megatron, jsonl or parquet [default: by extension].
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Size in the prior; for a single domain [default: its tokens].
    #[arg(long, value_name = "S")]
    pub size: Option<f64>,
    /// Tasks, or task families, that the domains are meant to improve.
    #[arg(long, value_name = "TASK,…", value_delimiter = ',')]
    pub tasks: Vec<String>,
}

/// Kinds of change.
#[derive(Debug, Subcommand)]
pub enum UpdateCommand {
    /// Add domains.
    #[command(after_help = "Examples:\n  \
            olmix update add code:python=1.2e9 code:go=3e8 --tasks code\n  \
            olmix update add wiki --path 'shards/wiki/*.npy'")]
    Add {
        /// Name and tokens of each domain, such as code=3e8; with --path the name alone.
        #[arg(value_name = "NAME[=TOKENS]", required = true, value_parser = ProjectDomain::from_argument)]
        domains: Vec<ProjectDomain>,
        /// Properties of the domains.
        #[command(flatten)]
        known: DomainArgs,
    },
    /// Remove domains; this needs no runs.
    #[command(after_help = "Example:\n  \
            olmix update remove books wiki\n\n\
            Afterwards `olmix commit` records the old mixture over the remaining domains.")]
    Remove {
        /// Names of the domains to remove.
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Partition a domain into parts that add up to it within 1 %.
    #[command(
        after_help = "Example:\n  olmix update partition pdf --into pdf:math=4e8 pdf:law=3e8 --rest pdf:other"
    )]
    Partition {
        /// Name of the domain to partition.
        domain: String,
        /// Name and tokens of each part.
        #[arg(long, value_name = "NAME[=TOKENS]", num_args = 1.., required = true, value_parser = ProjectDomain::from_argument)]
        into: Vec<ProjectDomain>,
        /// Name of a further part for the remaining tokens.
        #[arg(long, value_name = "NAME")]
        rest: Option<String>,
    },
    /// Record that the content of a domain changed; its tokens are counted again unless they are given.
    #[command(after_help = "Examples:\n  \
            olmix update revise pdf=9e8\n  \
            olmix update revise pdf --path 'shards/pdf-v2/*.npy'\n  \
            olmix update revise web_hq=9.5e11 --changed 0.05\n  \
            olmix update revise web_hq --path 'shards/web-v2/*.npy' --changed tokens\n\n\
            --changed keeps old runs that used the domain, with a weight below 1 in the fit: the lower, the more \
            of their data changed (docs/project.md). Without it they are left out.")]
    Revise {
        /// Name and tokens of the domain; the name alone if its paths are recorded or given.
        #[arg(value_name = "NAME[=TOKENS]", value_parser = ProjectDomain::from_argument)]
        domain: ProjectDomain,
        /// Share of its content that changed, above 0 and below 1; `tokens` where documents were only removed or
        /// only added: the share by which its tokens changed.
        #[arg(long, value_name = "SHARE|tokens", value_parser = changed)]
        changed: Option<ChangedArg>,
        /// Properties of the domain.
        #[command(flatten)]
        known: DomainArgs,
    },
    /// Take back the last update that nothing was made of; the log keeps both.
    #[command(after_help = "Example:\n  \
            olmix update undo\n\n\
            The domains before the update become the next version. Refused where a plan, a swarm, a fit or a \
            mixture is of a version with the update. Repeated, it takes back the update before.")]
    Undo,
    /// Apply several changes from a file as one update.
    #[command(after_help = "Example:\n  \
            olmix update apply changes.yaml\n\n\
            where changes.yaml is\n  \
            - add: \
            {code:python: {tokens: 1.2e9, paths: [shards/python/*.npy], tasks: [code]}, code:go: 3e8}\n  - \
            remove: [algebraicstack]\n  - revise: {pdf: {tokens: 9e8}}\n  \
            - partition: {pdf: {into: {pdf:math: 4e8, pdf:law: 3e8}, rest: pdf:other}}")]
    Apply {
        /// YAML file with a list of changes, as below.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// How much of a domain's content changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChangedArg {
    /// This share.
    Share(f64),
    /// The share by which its tokens changed.
    Tokens,
}

fn changed(text: &str) -> Result<ChangedArg, String> {
    if text == "tokens" {
        return Ok(ChangedArg::Tokens);
    }
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number.trim(), 0.01),
        None => (text, 1.0),
    };
    match number.parse::<f64>() {
        Ok(share) if share * unit > 0.0 && share * unit < 1.0 => {
            Ok(ChangedArg::Share(share * unit))
        }
        _ => Err("give a share above 0 and below 1, such as 0.05, or `tokens`; where all of it changed, leave \
                  --changed out"
            .into()),
    }
}

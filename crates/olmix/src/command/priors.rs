//! `olmix priors`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use olmix_data::{CountOptions, Format, Leaf, LeafCount, OnBadLine, Skipped, Unit, count};
use olmix_fs::{check_file, is_standard_output, write_whole};
use olmix_io::{GenerationConfig, PriorsConfig};
use serde_json::json;

use super::mix::show;
use super::on_threads;
use super::tokenize::{skipped_json, skipped_lines};
use crate::args::{PriorsCommand, PriorsComputeArgs};
use crate::bars::bars;
use crate::failure::Failure;
use crate::output;
use crate::progress::Bar;

/// Counts the tokens of a config's leaves, or draws sizes that a file has.
pub fn run(command: &PriorsCommand) -> Result<(), Failure> {
    match command {
        PriorsCommand::Compute(args) => on_threads(args.common, || compute(args)),
        PriorsCommand::Show(args) => show(args),
    }
}

fn compute(args: &PriorsComputeArgs) -> Result<(), Failure> {
    let (config, _) = GenerationConfig::load(&args.config)?;
    if let Some(file) = &args.output {
        check_file(file)?;
    }
    let (counts, unit) = count_leaves(
        &config,
        args.no_cache,
        args.on_bad_line,
        args.common.quiet || args.common.json,
    )?;
    let skipped: Vec<Skipped> = counts
        .iter()
        .flat_map(|leaf| leaf.skipped.clone())
        .collect();
    if !args.common.quiet {
        output::notices(skipped_lines(&skipped).as_slice());
    }
    if !args.common.quiet && unit == Unit::Bytes && counts.iter().any(|leaf| leaf.text) {
        output::notices(&[
            "texts are counted as UTF-8 bytes; set data.tokenizer to a tokenizer.json to count its \
             tokens"
                .to_owned(),
        ]);
    }
    write(args, &counts)
}

/// Counts the tokens of every leaf of a config.
pub fn count_leaves(
    config: &GenerationConfig,
    no_cache: bool,
    on_bad_line: OnBadLine,
    quiet: bool,
) -> Result<(Vec<LeafCount>, Unit), Failure> {
    let formats = config.data.leaf_paths(&Format::ALL)?;
    let leaf = |(name, paths, format): (String, Vec<String>, Option<Format>)| Leaf {
        name,
        paths,
        format,
    };
    let leaves: Vec<Leaf> = formats.into_iter().map(leaf).collect();
    let options = CountOptions {
        width: config.data.dtype.bytes(),
        unit: config
            .data
            .tokenizer_file(&config.folder)?
            .map_or(Unit::Bytes, Unit::Tokenizer),
        text_field: config.data.text_field.clone(),
        shared: config.data.allow_shared_files,
        folder: config.folder.clone(),
        cache: (!no_cache).then(cache_file).flatten(),
        on_bad_line,
    };
    let bar = Bar::new(quiet);
    bar.begin_bytes("listing", 0);
    let listed = AtomicU64::new(0);
    let counts = count(&leaves, &options, &|bytes, sum| {
        if listed.swap(1, Ordering::Relaxed) == 0 {
            bar.begin_bytes("counting", sum);
        }
        bar.add(bytes);
    });
    drop(bar);
    let mut counts =
        counts.map_err(|error| Failure::refused(format!("{}: {error}", config.file)))?;
    // Files that are a sample count for all of it.
    let samples = config.data.samples();
    for leaf in &mut counts {
        let sample = samples.get(&leaf.name).copied().unwrap_or(1.0);
        if sample < 1.0 {
            leaf.tokens = (leaf.tokens as f64 / sample).round() as u64;
        }
    }
    Ok((counts, options.unit))
}

/// Writes and prints counts.
fn write(args: &PriorsComputeArgs, counts: &[LeafCount]) -> Result<(), Failure> {
    let tokens: Vec<(String, u64)> = counts
        .iter()
        .map(|leaf| (leaf.name.clone(), leaf.tokens))
        .collect();
    let yaml = PriorsConfig::section_of(&tokens);
    if let Some(path) = &args.output {
        write_whole(path, yaml.as_bytes())?;
    }
    if args.common.json {
        let leaf = |leaf: &LeafCount| {
            let entry = json!({
                "tokens": leaf.tokens,
                "shards": leaf.shards,
                "bytes": leaf.bytes,
                "skipped": skipped_json(&leaf.skipped),
            });
            (leaf.name.clone(), entry)
        };
        let leaves: serde_json::Map<String, serde_json::Value> = counts.iter().map(leaf).collect();
        output::print_json(&json!({ "leaves": leaves }).to_string())?;
    } else if args.output.is_none() {
        output::print_as_it_is(&yaml)?;
    } else if !args.common.quiet && !args.output.as_deref().is_some_and(is_standard_output) {
        let sizes: Vec<(String, f64)> = tokens
            .into_iter()
            .map(|(leaf, tokens)| (leaf, tokens as f64))
            .collect();
        output::print(bars(&sizes, None))?;
        let shards: usize = counts.iter().map(|leaf| leaf.shards).sum();
        let path = args.output.as_deref().unwrap_or(Path::new(""));
        output::print(format!(
            "{shards} shards counted. Written: {}",
            path.display()
        ))?;
    }
    Ok(())
}

/// Where counts of texts are remembered: `$XDG_CACHE_HOME/olmix` or `~/.cache/olmix`.
fn cache_file() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = folder("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| folder("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
    Some(base.join("olmix").join("token-counts.jsonl"))
}

//! `olmix collect`.

use olmix_fs::{StagedSet, check_writable};
use olmix_io::{CHECKSUMS, Checksums, DomainWeights, FirstFit};
use olmix_launch::collect::{Columns, Query, Source, collect};
use serde_json::json;

use crate::args::CollectArgs;
use crate::failure::Failure;
use crate::output;

/// Runs that are named with why they are left out.
const MOST_NAMED: usize = 20;

/// Reads, joins, writes, prints.
pub fn run(args: &CollectArgs) -> Result<(), Failure> {
    check_writable(&args.output)?;
    let collected = collect(&Query {
        source: Source::of(&args.swarm)?,
        columns: Columns {
            run: args.run_column.as_deref(),
            mix: &args.mix,
            metrics: &args.metrics,
        },
        ratios: args.ratios.as_deref(),
        variants: args.variants.as_deref(),
        experiment: args.experiment.as_deref(),
        include: &args.include,
        exclude: &args.exclude,
        include_short: args.include_short,
    })?;
    let counts = args
        .tokens
        .as_deref()
        .map(DomainWeights::token_counts)
        .transpose()?;
    let counts = counts.as_deref().zip(args.tokens.as_deref());
    let fit = FirstFit::of_swarm(&collected.overall, &collected.metrics, counts)?;
    // All of the same runs: a kill leaves no ratios of some and metrics of others.
    let files: [(&str, &[u8]); 3] = [
        ("ratios.csv", &collected.ratios),
        ("metrics.csv", &collected.metrics),
        ("metrics.meta.json", &collected.meta),
    ];
    let mut staged = StagedSet::new(&args.output)?;
    for (name, bytes) in files {
        staged.file(name, bytes)?;
    }
    staged.file(CHECKSUMS, Checksums::updated(&args.output, &files)?.bytes())?;
    // A config that is there may be one that someone works with.
    let config = args.output.join("fit.yaml");
    let config_is_new = !config.exists();
    if config_is_new {
        staged.file("fit.yaml", fit.text.as_bytes())?;
    } else if args.tokens.is_some() {
        return Err(Failure::usage(
            format!(
                "{} is there already, and --tokens is for a first one",
                config.display()
            ),
            "move it away, or write the counts into it as priors.token_counts",
        ));
    }
    staged.commit()?;
    if !args.common.quiet {
        output::notices(&collected.notices);
        if config_is_new {
            output::notices(&fit.notices);
        } else {
            output::notices(&[format!(
                "{} is there already, and is kept",
                config.display()
            )]);
        }
        let named = collected.left_out.iter().take(MOST_NAMED);
        let named: Vec<String> = named
            .map(|(name, why)| format!("{name} is left out: {why}"))
            .collect();
        output::warnings(&named);
        let more = collected.left_out.len() - named.len();
        if more > 0 {
            output::warnings(&[format!("{more} more are left out (--json lists all)")]);
        }
    }
    if args.common.json {
        let left_out = collected.left_out.into_iter();
        let left_out: serde_json::Map<String, serde_json::Value> =
            left_out.map(|(name, why)| (name, why.into())).collect();
        let summary = json!({
            "runs": collected.runs,
            "phases": collected.phases,
            "domains": collected.domains,
            "metrics": collected.names,
            "directions": collected.directions,
            "left_out": left_out,
        });
        return output::print_json(&summary.to_string());
    }
    if args.common.quiet {
        return Ok(());
    }
    output::print(format!(
        "{} runs{}, {} domains, {} metrics\nWritten: {}/ratios.csv, metrics.csv, metrics.meta.json{}",
        collected.runs.len(),
        match collected.phases.len() {
            0 => String::new(),
            phases => format!(" of {phases} phases"),
        },
        collected.domains.len(),
        collected.names.len(),
        args.output.display(),
        if config_is_new { ", fit.yaml" } else { "" }
    ))
}

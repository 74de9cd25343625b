//! `olmix export`.

mod check;
mod files;
mod schedule;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use olmix_fs::{is_standard_output, write_whole};
use olmix_io::export::{Blend, BlendDomain, Format, Inputs, Origin, Run};
use olmix_io::{DomainWeights, GenerationConfig, PhasedWeights, sha256_hex};
use olmix_launch::utc;

use crate::args::ExportArgs;
use crate::bars::tokens_text;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::table::{number, table};

/// Reads a mixture, checks it against the run and the data, and writes or prints it in the format asked for; with
/// `--check` what the trainer draws of it.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    for (flag, value) in [
        ("--target-tokens", args.target_tokens),
        ("--repetition-factor", args.repetition_factor),
        ("--sequence-length", args.sequence_length.map(|n| n as f64)),
        ("--batch-tokens", args.batch_tokens),
    ] {
        if let Some(bad) = value.filter(|v| !(v.is_finite() && *v > 0.0)) {
            return Err(Failure::refused(format!(
                "{flag} {bad}: it must be a number above 0"
            )));
        }
    }
    let data = args.data.as_deref().or(args.check.as_deref());
    let data = data
        .map(GenerationConfig::load)
        .transpose()?
        .map(|(config, _)| config);
    if let Some(phased) = PhasedWeights::read(&args.mixture)? {
        return schedule::run(args, &phased, data.as_ref());
    }
    let sources = data.as_ref().map(|config| &config.data);
    let weights = DomainWeights::read_over(&args.mixture, sources)?;
    let run = run_of(args, &weights);
    let counts = data.as_ref().map(token_counts).unwrap_or_default();
    let listed = data
        .as_ref()
        .filter(|_| args.format.names_files())
        .map(|config| {
            files::of(
                &config.data,
                &config.folder,
                &weights,
                &counts,
                args.format,
                &run,
                args.common.quiet || args.common.json,
            )
        });
    let listed = listed.transpose()?;
    let file = args.mixture.display().to_string();
    let inputs = Inputs {
        file: &file,
        origin: origin(&args.mixture, &weights),
        run,
        data: sources,
        token_counts: counts,
        files: listed.as_deref(),
    };
    let blend = Blend::new(args.format, &weights, &inputs)?;
    if !args.common.quiet {
        if let Some(sum) = weights.rescaled_from {
            output::notices(&[format!(
                "the weights of {file} sum to {}; they were divided by it",
                (1e6 * sum).round() / 1e6
            )]);
        }
        output::notices(&files::notices(&blend, &inputs));
    }
    if args.check.is_some() {
        return check::run(args, &blend);
    }
    let text = args.format.text(&blend)?;
    if !args.common.quiet {
        output::notices(&args.format.notices(&blend, data.is_some()));
    }
    if !args.common.quiet {
        output::notices(like_formulas(args.format, &blend).as_slice());
    }
    if let Some(path) = &args.output {
        write_whole(path, text.as_bytes())?;
    }
    // `--json` asks for JSON on standard output, whatever the format of the file.
    if args.common.json {
        return output::print_json(&Format::JSON.text(&blend)?);
    }
    let Some(path) = &args.output else {
        return output::print_as_it_is(&text);
    };
    if !args.common.quiet && !is_standard_output(path) {
        output::print(summary(&blend))?;
        output::print(format!("Written: {}", path.display()))?;
    }
    Ok(())
}

/// The run that the options name, else the one that the mixture was made for.
fn run_of(args: &ExportArgs, weights: &DomainWeights) -> Run {
    Run {
        target_tokens: args.target_tokens.or(weights.target_tokens),
        repetition_factor: args.repetition_factor.or(weights.repetition_factor),
        sequence_length: args.sequence_length,
        batch_tokens: args.batch_tokens.map(|tokens| tokens.round() as u64),
    }
}

/// Names that a spreadsheet would compute: the table has them as they are, so that it can be read back.
fn like_formulas(format: &Format, blend: &Blend) -> Option<String> {
    let computed = |domain: &&BlendDomain| domain.name.starts_with(['=', '+', '-', '@', '\t']);
    let mut found = blend.domains.iter().filter(computed);
    let first = found.next().filter(|_| format.name() == "csv")?;
    let more = found.count();
    Some(format!(
        "a spreadsheet takes {:?}{} for a formula: open the table as text",
        first.name.chars().take(60).collect::<String>(),
        if more > 0 {
            format!(" and {more} names more")
        } else {
            String::new()
        }
    ))
}

/// Tokens of domains, as a config's priors count them.
fn token_counts(config: &GenerationConfig) -> BTreeMap<&str, u64> {
    let priors = config
        .priors
        .as_ref()
        .and_then(|priors| priors.token_counts.as_ref());
    let counts = priors.into_iter().flatten();
    counts
        .map(|count| (count.name.as_str(), count.value))
        .collect()
}

/// Where a mixture comes from; `None` for a run of a table, which is named behind a `#`.
fn origin(file: &Path, weights: &DomainWeights) -> Option<Origin> {
    let bytes = std::fs::read(file).ok()?;
    let written = std::fs::metadata(file)
        .and_then(|found| found.modified())
        .ok();
    Some(Origin {
        file: file.display().to_string(),
        sha256: sha256_hex(&bytes),
        date: written.map(|time| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            utc(since.as_millis() as i64)
                .chars()
                .take_while(|c| *c != ' ')
                .collect()
        }),
        made_by: weights.made_by.clone(),
    })
}

fn summary(blend: &Blend) -> Page {
    let row = |domain: &BlendDomain| {
        vec![
            domain.name.clone(),
            domain.weight(),
            tokens(domain.tokens),
            number(domain.epochs, 2),
        ]
    };
    let rows: Vec<Vec<String>> = blend.domains.iter().map(row).collect();
    table(&["domain", "weight", "tokens", "epochs"], &rows)
}

/// A number of tokens, or a dash.
fn tokens(tokens: Option<f64>) -> String {
    tokens.map_or_else(|| "–".into(), |tokens| tokens_text(tokens as u64))
}

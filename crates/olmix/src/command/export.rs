//! `olmix export`.

use olmix_fs::write_whole;
use olmix_io::{Blend, GenerationConfig, Shares, Trainer};

use crate::args::ExportArgs;
use crate::bars::tokens_text;
use crate::failure::Failure;
use crate::output;
use crate::table::{number, table};

/// Reads, checks, writes.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    for (flag, value) in [
        ("--target-tokens", args.target_tokens),
        ("--repetition-factor", args.repetition_factor),
    ] {
        if let Some(bad) = value.filter(|v| !(v.is_finite() && *v > 0.0)) {
            return Err(Failure::refused(format!(
                "{flag} {bad}: it must be a number above 0"
            )));
        }
    }
    let shares = Shares::read(&args.mixture)?;
    let data = args
        .data
        .as_deref()
        .map(GenerationConfig::load)
        .transpose()?;
    let data = data.map(|(config, _)| config);
    let blend = Blend::new(
        &args.mixture.display().to_string(),
        &shares,
        args.target_tokens.or(shares.target_tokens),
        args.repetition_factor.or(shares.repetition_factor),
        data.as_ref(),
    )?;
    // JSON is what `--json` asks for, whatever the format of the file.
    let text = blend.text(args.format)?;
    if !args.common.quiet && args.format.wants_paths() && data.is_none() {
        output::notices(&[
            "names of domains stand for paths; --data generate.yaml says where the data is"
                .to_owned(),
        ]);
    }
    let wild = |path: &String| path.contains(['*', '?', '[']);
    let globs = blend
        .domains
        .iter()
        .flat_map(|domain| &domain.paths)
        .any(wild);
    if !args.common.quiet && globs && matches!(args.format, Trainer::Megatron | Trainer::Streaming)
    {
        output::notices(&[
            "some paths are globs, and this trainer takes prefixes or folders: put theirs in place"
                .to_owned(),
        ]);
    }
    if let Some(path) = &args.output {
        write_whole(path, text.as_bytes())?;
        if args.common.json {
            return output::print(&blend.text(Trainer::Json)?);
        }
        if !args.common.quiet {
            output::print(&summary(&blend))?;
            output::print(&format!("Written: {}", path.display()))?;
        }
        return Ok(());
    }
    if args.common.json {
        return output::print(&blend.text(Trainer::Json)?);
    }
    output::print(&text)
}

fn summary(blend: &Blend) -> String {
    let row = |domain: &olmix_io::BlendDomain| {
        vec![
            domain.name.clone(),
            domain.weight(),
            domain
                .tokens
                .map_or_else(|| "–".into(), |tokens| tokens_text(tokens as u64)),
            number(domain.epochs, 2),
        ]
    };
    let rows: Vec<Vec<String>> = blend.domains.iter().map(row).collect();
    table(&["domain", "weight", "tokens", "epochs"], &rows)
}

//! `olmix export`.

use olmix_fs::write_whole;
use olmix_io::export::{Blend, BlendDomain, Format};
use olmix_io::{DomainWeights, GenerationConfig};

use crate::args::ExportArgs;
use crate::bars::tokens_text;
use crate::failure::Failure;
use crate::output;
use crate::table::{number, table};

/// Reads a mixture, checks it against the run, and writes or prints it in the format asked for.
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
    let data = args
        .data
        .as_deref()
        .map(GenerationConfig::load)
        .transpose()?;
    let data = data.map(|(config, _)| config);
    let sources = data.as_ref().map(|config| &config.data);
    let weights = DomainWeights::read_over(&args.mixture, sources)?;
    let blend = Blend::new(
        &args.mixture.display().to_string(),
        &weights,
        args.target_tokens.or(weights.target_tokens),
        args.repetition_factor.or(weights.repetition_factor),
        data.as_ref(),
    )?;
    let text = args.format.text(&blend)?;
    if !args.common.quiet {
        output::notices(&args.format.notices(&blend, data.is_some()));
    }
    if let Some(path) = &args.output {
        write_whole(path, text.as_bytes())?;
    }
    // `--json` asks for JSON on standard output, whatever the format of the file.
    if args.common.json {
        return output::print(&Format::JSON.text(&blend)?);
    }
    let Some(path) = &args.output else {
        return output::print(&text);
    };
    if !args.common.quiet {
        output::print(&summary(&blend))?;
        output::print(&format!("Written: {}", path.display()))?;
    }
    Ok(())
}

fn summary(blend: &Blend) -> String {
    let row = |domain: &BlendDomain| {
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

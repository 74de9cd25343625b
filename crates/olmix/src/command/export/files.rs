//! The files of a mixture's domains, where an export needs them.

use std::collections::BTreeMap;

use olmix_io::DomainWeights;
use olmix_io::export::{Amount, Blend, DomainFiles, Format, Inputs, Run};
use olmix_io::generation_config::DataConfig;
use olmix_launch::domain_files;

use crate::failure::Failure;
use crate::progress::Bar;

/// Lists and measures the files of the domains that have a share: all those of this machine, and those of stores
/// where the format or a number of epochs needs them. Relative paths start at `folder`.
pub fn of(
    data: &DataConfig,
    folder: &std::path::Path,
    weights: &DomainWeights,
    counts: &BTreeMap<&str, u64>,
    format: &'static Format,
    run: &Run,
    quiet: bool,
) -> Result<Vec<DomainFiles>, Failure> {
    let shares: BTreeMap<&str, f64> = weights
        .weights
        .iter()
        .map(|(name, share)| (name.as_str(), *share))
        .collect();
    let is_needed = |name: &str, paths: &[String]| {
        let far = paths.iter().any(|path| path.contains("://"));
        let counted = weights.tokens.is_some() || counts.contains_key(name);
        let epochs = run.target_tokens.is_some() && !counted;
        let drawn = shares.get(name).is_some_and(|share| *share > 0.0);
        drawn && (!far || epochs || format.needs_listing(paths))
    };
    let bar = Bar::new(quiet);
    bar.begin_bytes("listing", 0);
    let listed = domain_files(data, folder, is_needed);
    drop(bar);
    listed.map_err(Failure::refused)
}

/// Files of this machine that do not hold what the mixture was made for, beyond two parts in a hundred.
pub fn notices(blend: &Blend, inputs: &Inputs<'_>) -> Vec<String> {
    let mut notices = Vec::new();
    let samples = inputs.data.map(DataConfig::samples).unwrap_or_default();
    for domain in &blend.domains {
        let listed = inputs
            .files
            .and_then(|files| files.iter().find(|one| one.name == domain.name));
        let Some(Ok(listed)) = listed.map(|one| one.files.as_ref()) else {
            continue;
        };
        let tokens = listed.iter().map(|file| match file.amount {
            Amount::Tokens(n) => Some(n),
            _ => None,
        });
        let Some((found, known)) = tokens.sum::<Option<f64>>().zip(domain.available) else {
            continue;
        };
        let found = found / samples.get(&domain.name).copied().unwrap_or(1.0);
        if (found / known - 1.0).abs() > 0.02 {
            notices.push(format!(
                "the files of `{}` hold {found:.4e} tokens, and the mixture was made for {known:.4e}: epochs and caps \
                 are those of the mixture",
                domain.name
            ));
        }
    }
    notices
}

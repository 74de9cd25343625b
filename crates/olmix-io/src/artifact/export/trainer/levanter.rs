//! Levanter's mixture of data sets.
//!
//! Levanter draws in blocks: of each block of `B` sequences a domain of weight `w` has `⌊wB⌋`, and the largest
//! domain what is missing. The block is chosen so that the run is a whole number of blocks, and the weights are
//! written so that these counts are the mixture's, rounded by largest remainders.

use std::collections::HashSet;

use super::super::data::{Globs, Reads, Weighted};
use super::super::round::{UNITS, apportion};
use super::super::text::{list, yaml_file};
use super::super::{Blend, BlendDomain, Drawn, Format, Needs};
use crate::config::yaml::Yaml;
use crate::error::{IoError, Location};
use crate::messages::{excerpt, listed};

pub(in super::super) static FORMAT: Format = Format {
    name: "levanter",
    help: "YAML: Levanter's data.components and data.train_weights",
    extension: "yaml",
    reads: Some(Reads {
        what: "texts in JSON Lines, JSON, Parquet or .txt files",
        kinds: &["jsonl", "parquet", "text"],
        globs: Globs::All,
        weighted: Weighted::No,
        folders: false,
    }),
    needs: Needs::NOTHING,
    remarks: &[
        "Levanter draws whole sequences in blocks of mixture_block_size; the weights are those of a block. Without \
         --target-tokens and --sequence-length the block is the largest that Levanter takes, 65535.",
        "A domain that ends begins again, so caps hold for this run only: trainer.num_train_steps x \
         trainer.train_batch_size x train_seq_len tokens. Epochs are counted with the run's tokenizer.",
        "Start: add this to the run's config, with data.tokenizer and data.cache_dir, then python -m \
         levanter.main.train_lm --config_path FILE",
    ],
    drawn,
    text,
};

/// The largest block that Levanter takes.
const LARGEST: u64 = 65_535;

/// Sequences of a block: the run is one block, or a whole number of them but for less than one sequence a block.
fn block(blend: &Blend) -> u64 {
    match blend.sequences() {
        Some(sequences) if sequences > 0 => sequences / sequences.div_ceil(LARGEST),
        _ => LARGEST,
    }
}

/// Sequences of each domain in a block. None for a domain whose weight is below half a sequence.
fn counts(blend: &Blend) -> Vec<u64> {
    let block = block(blend);
    let shares: Vec<f64> = blend.domains.iter().map(BlendDomain::share).collect();
    let units = apportion(&shares, block).into_iter().zip(&shares);
    units
        .map(|(units, share)| {
            if share * (block as f64) < 0.5 {
                0
            } else {
                units
            }
        })
        .collect()
}

fn drawn(blend: &Blend) -> Option<Drawn> {
    let (sequences, length) = (blend.sequences()? as f64, blend.run.sequence_length? as f64);
    let of_run = sequences / block(blend) as f64 * length;
    Some(Drawn {
        tokens: counts(blend)
            .into_iter()
            .map(|count| count as f64 * of_run)
            .collect(),
        deviation: vec![0.0; blend.domains.len()],
    })
}

fn text(format: &Format, blend: &Blend) -> Result<String, IoError> {
    refuse_lost(blend)?;
    refuse_names(blend)?;
    let weights = weights(&counts(blend));
    let component = |domain: &BlendDomain| {
        let urls = list(domain.paths.iter().map(|path| &path.path));
        let source = Yaml::map([("type", Yaml::text("url")), ("train_urls", urls)]);
        (domain.name.clone(), Yaml::map([("source", source)]))
    };
    let weights = blend.domains.iter().zip(weights);
    let weights = weights.map(|(domain, units)| {
        let written = format!("{}.{:09}", units / UNITS, units % UNITS);
        (domain.name.clone(), Yaml::Scalar(written))
    });
    let data = Yaml::map([
        ("mixture_block_size", Yaml::whole(block(blend))),
        // Levanter's default shuffles windows in the order of the files: less than an epoch would be the first files.
        ("shuffle", Yaml::Scalar("true".into())),
        ("components", Yaml::map(blend.domains.iter().map(component))),
        ("train_weights", Yaml::map(weights)),
    ]);
    Ok(yaml_file(format, blend, &Yaml::map([("data", data)])))
}

/// Billionths from which Levanter takes exactly these counts: rounded up, so that cutting `wB` to a whole
/// number gives the count, and the largest domain has the rest.
fn weights(counts: &[u64]) -> Vec<u64> {
    let block: u64 = counts.iter().sum();
    let up = |count: &u64| {
        if *count == 0 {
            0
        } else {
            count * UNITS / block + 1
        }
    };
    let mut units: Vec<u64> = counts.iter().map(up).collect();
    // Levanter gives what is missing to the first of the largest.
    let most = counts.iter().copied().max().unwrap_or(0);
    if let Some(largest) = counts.iter().position(|count| *count == most) {
        let others: u64 = units.iter().sum::<u64>() - units[largest];
        units[largest] = UNITS.saturating_sub(others);
    }
    units
}

/// Refuses domains that a block has no sequence of.
fn refuse_lost(blend: &Blend) -> Result<(), IoError> {
    let lost = blend
        .domains
        .iter()
        .zip(counts(blend))
        .filter(|(_, count)| *count == 0);
    let lost: Vec<String> = lost.map(|(domain, _)| excerpt(&domain.name)).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(IoError::input(
        "levanter",
        Location::File,
        format!(
            "Levanter would draw nothing of {}: a block has {} sequences",
            listed(lost.iter().map(String::as_str), 5),
            block(blend)
        ),
        "take them out of the mixture, or raise their weights",
    ))
}

/// Refuses names that Levanter makes one file or folder of. It caches a component in the folder of its name, and
/// the shards of one component under the names of their files with `_` for dots.
fn refuse_names(blend: &Blend) -> Result<(), IoError> {
    for domain in &blend.domains {
        let refuse = |message: String, help: &str| {
            Err(IoError::input("levanter", Location::File, message, help))
        };
        let name = &domain.name;
        let inside = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        // Levanter does not find the files of a folder with a backslash in its name again.
        if !inside || name.contains('\\') {
            return refuse(
                format!(
                    "Levanter caches a domain in a folder of its name, and `{}` can't be one",
                    excerpt(name)
                ),
                "rename the domain",
            );
        }
        let mut shards = HashSet::new();
        let twice = domain
            .paths
            .iter()
            .find(|path| !shards.insert(path.path.replace('.', "_")));
        if let Some(path) = twice {
            return refuse(
                format!(
                    "two files of `{}` have one name for Levanter, which writes `_` for dots: {}",
                    excerpt(name),
                    excerpt(&path.path)
                ),
                "rename one of them",
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// By the trainer's own rule, in its own arithmetic.
        #[test]
        fn levanter_takes_the_counts_that_the_weights_were_made_of(
            counts in prop::collection::vec(1_u64..4_000, 1..16)
        ) {
            let block: u64 = counts.iter().sum();
            let units = weights(&counts);
            prop_assert_eq!(units.iter().sum::<u64>(), UNITS);
            let written: Vec<f64> = units.iter().map(|units| *units as f64 / 1e9).collect();
            let sum: f64 = written.iter().sum();
            let mut taken: Vec<u64> =
                written.iter().map(|weight| (weight / sum * block as f64) as u64).collect();
            let missing = block - taken.iter().sum::<u64>();
            let most = taken.iter().copied().max().unwrap_or(0);
            let first = taken.iter().position(|count| *count == most).unwrap_or(0);
            taken[first] += missing;
            for (taken, count) in taken.iter().zip(&counts) {
                prop_assert!(taken.abs_diff(*count) <= 1, "{:?} {:?}", taken, count);
            }
            let tied = counts.iter().filter(|count| **count + 1 >= most).count() > 1;
            prop_assert!(tied || taken == counts);
        }
    }
}

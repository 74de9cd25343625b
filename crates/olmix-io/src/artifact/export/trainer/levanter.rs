//! Levanter's mixture of data sets.
//!
//! Levanter draws in blocks: of each block of `B` sequences a domain of weight `w` has `⌊wB⌋`, and the largest
//! domain what is missing. The block is chosen so that the run is a whole number of blocks, and the weights are
//! written so that these counts are the mixture's, rounded by largest remainders.

use std::collections::{HashMap, HashSet};

use super::super::data::{Globs, Reads, Weighted};
use super::super::round::{UNITS, apportion};
use super::super::schedule::domain_of;
use super::super::text::{comment, list, yaml_file};
use super::super::{Blend, BlendDomain, Drawn, Format, Needs, Schedule, ScheduleDomain};
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
fn counts(blend: &Blend, block: u64) -> Vec<u64> {
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
        tokens: counts(blend, block(blend))
            .into_iter()
            .map(|count| count as f64 * of_run)
            .collect(),
        deviation: vec![0.0; blend.domains.len()],
    })
}

fn text(format: &Format, blend: &Blend) -> Result<String, IoError> {
    let block = block(blend);
    refuse_lost(blend, block)?;
    refuse_names(blend)?;
    let weights = weights(&counts(blend, block));
    let weights = blend.domains.iter().zip(weights);
    let weights = weights.map(|(domain, units)| (domain.name.clone(), written(units)));
    let config = config(block, blend.domains.iter(), Yaml::map(weights));
    Ok(yaml_file(format, blend, &config))
}

fn written(units: u64) -> Yaml {
    Yaml::Scalar(format!("{}.{:09}", units / UNITS, units % UNITS))
}

fn config<'a>(block: u64, domains: impl Iterator<Item = &'a BlendDomain>, weights: Yaml) -> Yaml {
    let component = |domain: &BlendDomain| {
        let urls = list(domain.paths.iter().map(|path| &path.path));
        let source = Yaml::map([("type", Yaml::text("url")), ("train_urls", urls)]);
        (domain.name.clone(), Yaml::map([("source", source)]))
    };
    let data = Yaml::map([
        ("mixture_block_size", Yaml::whole(block)),
        // Levanter's default shuffles windows in the order of the files: less than an epoch would be the first files.
        ("shuffle", Yaml::Scalar("true".into())),
        ("components", Yaml::map(domains.map(component))),
        ("train_weights", weights),
    ]);
    Yaml::map([("data", data)])
}

/// A list of pairs: the step at which a phase begins, and its weights. Levanter takes a phase that begins with a block
/// only, so the block divides the sequences of every phase.
pub(in super::super) fn schedule(format: &Format, schedule: &Schedule) -> Result<String, IoError> {
    let steps = format.steps_of(schedule)?;
    let sequences = schedule.stages.iter().map(|stage| stage.blend.sequences());
    let Some(sequences) = sequences.collect::<Option<Vec<u64>>>() else {
        return Err(IoError::input(
            &schedule.file,
            Location::File,
            "levanter needs the tokens of a sequence: a phase begins with a block of whole sequences",
            "give --sequence-length, such as --sequence-length 4096",
        ));
    };
    let block = common_block(&sequences);
    let mut drawn: HashMap<&str, f64> = HashMap::new();
    let length = schedule.run.sequence_length.unwrap_or(0) as f64;
    for (stage, &sequences) in schedule.stages.iter().zip(&sequences) {
        refuse_lost(&stage.blend, block)?;
        refuse_names(&stage.blend)?;
        let counts = counts(&stage.blend, block);
        for (domain, count) in stage.blend.domains.iter().zip(counts) {
            *drawn.entry(&domain.name).or_default() +=
                (count * (sequences / block)) as f64 * length;
        }
    }
    schedule.within(|domain| drawn.get(domain.name).copied())?;
    let all = schedule.domains();
    let rounded = rounded(&all, &drawn);
    let stages = schedule.stages.iter().zip(steps).map(|(stage, step)| {
        let units = weights(&counts(&stage.blend, block));
        let units: HashMap<&str, u64> = stage
            .blend
            .domains
            .iter()
            .map(|domain| domain.name.as_str())
            .zip(units)
            .collect();
        let of = |name: &str| {
            (
                name.to_owned(),
                written(units.get(name).copied().unwrap_or(0)),
            )
        };
        let weights = Yaml::map(all.iter().map(|domain| of(domain.name)));
        Yaml::List(vec![Yaml::whole(step), weights])
    });
    let stages = Yaml::List(stages.collect());
    let domains = all.iter().filter_map(|domain| {
        schedule
            .stages
            .iter()
            .find_map(|stage| domain_of(stage, domain.name))
    });
    Ok(schedule.header(format) + &rounded + &config(block, domains, stages).to_file())
}

/// What blocks change by more than a part in two hundred, as comment lines.
fn rounded(domains: &[ScheduleDomain<'_>], drawn: &HashMap<&str, f64>) -> String {
    const WORTH_SAYING: f64 = 0.005;
    let line = |domain: &ScheduleDomain<'_>| {
        let drawn = drawn.get(domain.name)?;
        let change = drawn / domain.tokens? - 1.0;
        let name = domain.name;
        (change.abs() > WORTH_SAYING).then(|| {
            comment(&format!(
                "Rounded by the trainer: {name} is drawn for {drawn:.4e} tokens ({:+.1} %).",
                100.0 * change
            ))
        })
    };
    domains.iter().filter_map(line).collect()
}

/// The largest block that all these numbers are whole multiples of.
fn common_block(sequences: &[u64]) -> u64 {
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let common = sequences.iter().copied().fold(0, gcd).max(1);
    (1..=LARGEST.min(common))
        .rev()
        .find(|block| common % block == 0)
        .unwrap_or(1)
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
fn refuse_lost(blend: &Blend, block: u64) -> Result<(), IoError> {
    let lost = blend
        .domains
        .iter()
        .zip(counts(blend, block))
        .filter(|(_, count)| *count == 0);
    let lost: Vec<String> = lost.map(|(domain, _)| excerpt(&domain.name)).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(IoError::input(
        "levanter",
        Location::File,
        format!(
            "Levanter would draw nothing of {}: a block has {block} sequences",
            listed(lost.iter().map(String::as_str), 5)
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

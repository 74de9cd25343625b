//! OLMo-core's `SourceMixtureList`.

use super::super::data::{Globs, Reads, Weighted};
use super::super::text::{list, weight, yaml_file};
use super::super::{Blend, BlendDomain, Drawn, Format, Needs};
use crate::config::yaml::Yaml;

pub(in super::super) static FORMAT: Format = Format {
    name: "olmo-core",
    help: "YAML for OLMo-core's SourceMixtureList",
    extension: "yaml",
    reads: Some(READS),
    needs: Needs::EPOCHS,
    remarks: &[
        "requested_tokens must be a multiple of global_batch_size (--batch-tokens checks it): what is left of a batch is \
         filled up with as much of every file. OLMo-core rounds each source up to whole sequences, \
         and shares of less than a batch to a batch: --format olmo-core-sources is exact.",
        "OLMo-core takes the first sequences of each file, whatever the seed: shuffle the documents of each file, or use \
         --format olmo-core-sources.",
        "Start: SourceMixtureDatasetConfig(source_list=SourceMixtureList.from_file(FILE), requested_tokens=..., \
         global_batch_size=..., seed=...)",
    ],
    drawn: Drawn::exact,
    text: |format, blend| Ok(yaml_file(format, blend, &config(blend))),
};

/// Flat files of tokens.
pub(super) const READS: Reads = Reads {
    what: "files of tokens and nothing else (`.npy` by habit, without the header that numpy.save writes)",
    kinds: &["tokens"],
    globs: Globs::Stars,
    weighted: Weighted::No,
    folders: false,
};

fn config(blend: &Blend) -> Yaml {
    let source = |domain: &BlendDomain| {
        Yaml::map([
            ("source_name", Yaml::text(&domain.name)),
            ("target_ratio", weight(domain.weight())),
            ("paths", list(domain.paths.iter().map(|path| &path.path))),
            ("max_repetition_ratio", Yaml::number(most(domain))),
        ])
    };
    let sources = Yaml::List(blend.domains.iter().map(source).collect());
    Yaml::map([("sources", sources)])
}

/// How often OLMo-core must be allowed to see the data: what the mixture needs, rounded up so that the
/// trainer's own rounding stays below; at least 1.
pub(super) fn most(domain: &BlendDomain) -> f64 {
    let needed = domain.epochs.unwrap_or(1.0);
    ((needed * 1.001 * 1e3).ceil() / 1e3).max(1.0)
}

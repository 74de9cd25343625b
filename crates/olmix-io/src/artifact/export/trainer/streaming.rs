//! The streams of `MosaicML` Streaming.
//!
//! A stream is given the number of its samples (`choose`), which is drawn exactly. Proportions would be cut to whole
//! samples of an epoch, and what is missing goes to streams at random.

use std::collections::HashSet;

use super::super::data::{Globs, Reads, Weighted};
use super::super::round::{UNITS, apportion};
use super::super::text::yaml_file;
use super::super::{Blend, Drawn, Format, Needs};
use crate::config::yaml::Yaml;

pub(in super::super) static FORMAT: Format = Format {
    name: "streaming",
    help: "YAML: the streams of MosaicML Streaming",
    extension: "yaml",
    reads: Some(READS),
    needs: Needs::SEQUENCES,
    remarks: &[
        "A sample is taken for a sequence of the run: rows of MDS must be alike in length (packed). The run is one epoch, \
         of which each stream has exactly its `choose` samples.",
        "Start: StreamingDataset(streams=[Stream(**s) for s in yaml.safe_load(open(FILE))['streams'].values()], \
         batch_size=..., shuffle=True)",
    ],
    drawn,
    text: |format, blend| {
        let config = Yaml::map([("streams", streams(blend, Yaml::text))]);
        Ok(yaml_file(format, blend, &config))
    },
};

/// Folders of MDS, each a stream.
pub(super) const READS: Reads = Reads {
    what: "folders of MosaicML Streaming (MDS), each with its index.json",
    kinds: &["mds"],
    globs: Globs::None,
    weighted: Weighted::Always,
    folders: true,
};

/// Samples of each path, in the order of [`Blend::paths`]; they sum to the sequences of the run.
fn samples(blend: &Blend) -> Vec<u64> {
    let share = |billionths: u64| billionths as f64 / UNITS as f64;
    let shares: Vec<f64> = blend
        .paths()
        .map(|(_, path)| share(path.billionths))
        .collect();
    apportion(&shares, blend.sequences().unwrap_or(0))
}

pub(super) fn drawn(blend: &Blend) -> Option<Drawn> {
    blend.sequences()?;
    let length = blend.run.sequence_length? as f64;
    let mut samples = samples(blend).into_iter();
    let of = |paths: usize| samples.by_ref().take(paths).sum::<u64>() as f64 * length;
    let lengths: Vec<usize> = blend
        .domains
        .iter()
        .map(|domain| domain.paths.len())
        .collect();
    Some(Drawn {
        tokens: lengths.into_iter().map(of).collect(),
        deviation: vec![0.0; blend.domains.len()],
    })
}

/// Streams by name, each the arguments of a `streaming.Stream`; `text` is how the file writes a path.
pub(super) fn streams(blend: &Blend, text: impl Fn(&str) -> Yaml) -> Yaml {
    let mut names: HashSet<String> = HashSet::new();
    let mut streams = Vec::new();
    for ((domain, path), samples) in blend.paths().zip(samples(blend)) {
        let name = unique(&domain.name, domain.paths.len() > 1, &names);
        names.insert(name.clone());
        let store = if path.path.contains("://") {
            "remote"
        } else {
            "local"
        };
        let stream = [(store, text(&path.path)), ("choose", Yaml::whole(samples))];
        streams.push((name, Yaml::map(stream)));
    }
    Yaml::map(streams)
}

/// A name that no stream has yet: the domain's, with a number where it has several paths.
fn unique(domain: &str, several: bool, taken: &HashSet<String>) -> String {
    let numbered = (0..).map(|number| format!("{domain}-{number}"));
    let plain = (!several).then(|| domain.to_owned()).into_iter();
    let mut free = plain.chain(numbered).filter(|name| !taken.contains(name));
    free.next().unwrap_or_default()
}

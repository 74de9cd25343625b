//! The streams of `MosaicML` Streaming.

use super::parts::{share_of_path, weight, yaml_file};
use super::{Blend, Format};
use crate::config::yaml::Yaml;

pub(super) static FORMAT: Format = Format {
    name: "streaming",
    help: "YAML: MosaicML Streaming's streams",
    extension: "yaml",
    names_files: true,
    takes_globs: false,
    text: |blend| Ok(text(blend)),
};

/// Streams by name, each the arguments of a `streaming.Stream`.
fn text(blend: &Blend) -> String {
    let mut streams = Vec::new();
    for domain in &blend.domains {
        let n = domain.paths.len();
        for (i, path) in domain.paths.iter().enumerate() {
            let (name, proportion) = match n {
                1 => (domain.name.clone(), weight(domain)),
                _ => (
                    format!("{}-{i}", domain.name),
                    Yaml::number(share_of_path(domain)),
                ),
            };
            let store = if path.contains("://") {
                "remote"
            } else {
                "local"
            };
            let stream = [(store, Yaml::text(path)), ("proportion", proportion)];
            streams.push((name, Yaml::map(stream)));
        }
    }
    let streams = Yaml::map([("streams", Yaml::map(streams))]);
    yaml_file(blend, &streams)
}

//! OLMo-core's `SourceMixtureList`.

use super::parts::{list, repetition, weight, yaml_file};
use super::{Blend, BlendDomain, Format};
use crate::config::yaml::Yaml;

pub(super) static FORMAT: Format = Format {
    name: "olmo-core",
    help: "YAML for SourceMixtureList",
    extension: "yaml",
    names_files: true,
    takes_globs: true,
    text: |blend| Ok(text(blend)),
};

fn text(blend: &Blend) -> String {
    let source = |domain: &BlendDomain| {
        Yaml::map([
            ("source_name", Yaml::text(&domain.name)),
            ("target_ratio", weight(domain)),
            ("paths", list(&domain.paths)),
            ("max_repetition_ratio", repetition(domain)),
        ])
    };
    let sources = Yaml::List(blend.domains.iter().map(source).collect());
    yaml_file(blend, &Yaml::map([("sources", sources)]))
}

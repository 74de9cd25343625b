//! The `mix` of a launch config.

use super::parts::{repetition, weight, yaml_file};
use super::{Blend, BlendDomain, Format};
use crate::config::yaml::Yaml;

pub(super) static FORMAT: Format = Format {
    name: "mix",
    help: "YAML: the mix of a launch config",
    extension: "yaml",
    names_files: false,
    takes_globs: true,
    text: |blend| Ok(text(blend)),
};

fn text(blend: &Blend) -> String {
    let leaf = |domain: &BlendDomain| {
        let entry = [
            ("weight", weight(domain)),
            ("repetition_factor", repetition(domain)),
        ];
        (domain.name.clone(), Yaml::map(entry))
    };
    let mix = Yaml::map(blend.domains.iter().map(leaf));
    yaml_file(blend, &Yaml::map([("mix", mix)]))
}

//! The `mix` of a launch config.

use super::parts::{repetition, weight, yaml_file};
use super::{Blend, BlendDomain, Format};
use crate::config::yaml::Yaml;
use crate::error::IoError;

pub(super) static FORMAT: Format = Format {
    name: "mix",
    help: "YAML: the mix of a launch config",
    extension: "yaml",
    names_files: false,
    takes_globs: true,
    text,
};

fn text(blend: &Blend) -> Result<String, IoError> {
    let leaf = |domain: &BlendDomain| {
        let entry = [
            ("weight", weight(domain)),
            ("repetition_factor", repetition(domain)),
        ];
        (domain.name.clone(), Yaml::map(entry))
    };
    let mix = Yaml::map(blend.domains.iter().map(leaf));
    Ok(yaml_file(blend, &Yaml::map([("mix", mix)])))
}

//! A YAML mapping from domains to weights.

use super::parts::{weight, yaml_file};
use super::{Blend, Format};
use crate::config::yaml::Yaml;

pub(super) static FORMAT: Format = Format {
    name: "yaml",
    help: "a mapping from domains to weights",
    extension: "yaml",
    names_files: false,
    takes_globs: true,
    text: |blend| Ok(text(blend)),
};

fn text(blend: &Blend) -> String {
    let weights = blend
        .domains
        .iter()
        .map(|domain| (domain.name.clone(), weight(domain)));
    yaml_file(blend, &Yaml::map(weights))
}

//! Levanter's mixture of datasets.

use super::parts::{list, weight, yaml_file};
use super::{Blend, BlendDomain, Format};
use crate::config::yaml::Yaml;

pub(super) static FORMAT: Format = Format {
    name: "levanter",
    help: "YAML: data.configs and data.train_weights",
    extension: "yaml",
    names_files: true,
    takes_globs: true,
    text: |blend| Ok(text(blend)),
};

fn text(blend: &Blend) -> String {
    let config = |domain: &BlendDomain| {
        let urls = Yaml::map([("train_urls", list(&domain.paths))]);
        (domain.name.clone(), urls)
    };
    let weights = blend
        .domains
        .iter()
        .map(|domain| (domain.name.clone(), weight(domain)));
    let data = Yaml::map([
        ("configs", Yaml::map(blend.domains.iter().map(config))),
        ("train_weights", Yaml::map(weights)),
    ]);
    yaml_file(blend, &Yaml::map([("data", data)]))
}

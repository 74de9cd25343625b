//! A YAML mapping from domains to weights.

use super::super::text::{weight, yaml_file};
use super::super::{Blend, Format, Needs};
use super::not_drawn;
use crate::config::yaml::Yaml;

pub(in super::super) static FORMAT: Format = Format {
    name: "yaml",
    help: "a mapping from domains to weights",
    extension: "yaml",
    reads: None,
    needs: Needs::NOTHING,
    remarks: &[],
    drawn: not_drawn,
    text: |format, blend| Ok(text(format, blend)),
};

fn text(format: &Format, blend: &Blend) -> String {
    let weights = blend
        .domains
        .iter()
        .map(|domain| (domain.name.clone(), weight(domain.weight())));
    yaml_file(format, blend, &Yaml::map(weights))
}

//! The `mix` of a launch config.

use super::super::text::{weight, yaml_file};
use super::super::{Blend, BlendDomain, Drawn, Format, Needs};
use crate::config::yaml::Yaml;

pub(in super::super) static FORMAT: Format = Format {
    name: "mix",
    help: "YAML: the mix of a launch config",
    extension: "yaml",
    reads: None,
    needs: Needs::NOTHING,
    remarks: &[],
    drawn: Drawn::exact,
    text: |format, blend| Ok(text(format, blend)),
};

fn text(format: &Format, blend: &Blend) -> String {
    let leaf = |domain: &BlendDomain| {
        let mut entry = vec![("weight", weight(domain.weight()))];
        if let Some(epochs) = domain.epochs {
            // Rounded up, so that rounding to sequences stays below.
            let most = ((epochs * 1.001 * 1e3).ceil() / 1e3).max(1.0);
            entry.push(("repetition_factor", Yaml::number(most)));
        }
        (domain.name.clone(), Yaml::map(entry))
    };
    let mix = Yaml::map(blend.domains.iter().map(leaf));
    yaml_file(format, blend, &Yaml::map([("mix", mix)]))
}

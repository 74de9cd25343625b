//! A YAML mapping from domains to weights.

use super::super::text::{weight, yaml_file};
use super::super::{Blend, Format, Needs, Schedule, Stage};
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

/// A list of phases, each with its mapping.
pub(in super::super) fn schedule(format: &Format, schedule: &Schedule) -> String {
    let phase = |stage: &Stage| {
        let weights = stage.blend.domains.iter();
        let weights = weights.map(|domain| (domain.name.clone(), weight(domain.weight())));
        Yaml::map([
            ("phase", Yaml::text(&stage.name)),
            ("fraction", Yaml::number(stage.fraction)),
            ("weights", Yaml::map(weights)),
        ])
    };
    let phases = Yaml::List(schedule.stages.iter().map(phase).collect());
    schedule.header(format) + &phases.to_file()
}

fn text(format: &Format, blend: &Blend) -> String {
    let weights = blend
        .domains
        .iter()
        .map(|domain| (domain.name.clone(), weight(domain.weight())));
    yaml_file(format, blend, &Yaml::map(weights))
}

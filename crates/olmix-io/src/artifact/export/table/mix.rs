//! The `mix` of a launch config.

use super::super::text::{weight, yaml_file};
use super::super::{Blend, BlendDomain, Drawn, Format, Needs, Schedule, ScheduleDomain, Stage};
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

/// The `phases` of a launch config.
pub(in super::super) fn schedule(format: &Format, schedule: &Schedule) -> String {
    let all = schedule.domains();
    let leaf = |domain: &BlendDomain| {
        let mut entry = vec![("weight", weight(domain.weight()))];
        // A leaf has one factor, for all phases together.
        let epochs = all.iter().find(|one| one.name == domain.name);
        if let Some(epochs) = epochs.and_then(ScheduleDomain::epochs) {
            entry.push(("repetition_factor", Yaml::number(rounded_up(epochs))));
        }
        (domain.name.clone(), Yaml::map(entry))
    };
    let phase = |stage: &Stage| {
        Yaml::map([
            ("name", Yaml::text(&stage.name)),
            ("fraction", Yaml::number(stage.fraction)),
            ("mix", Yaml::map(stage.blend.domains.iter().map(leaf))),
        ])
    };
    let phases = Yaml::List(schedule.stages.iter().map(phase).collect());
    schedule.header(format) + &Yaml::map([("phases", phases)]).to_file()
}

/// Rounded up, so that rounding to sequences stays below.
fn rounded_up(epochs: f64) -> f64 {
    ((epochs * 1.001 * 1e3).ceil() / 1e3).max(1.0)
}

fn text(format: &Format, blend: &Blend) -> String {
    let leaf = |domain: &BlendDomain| {
        let mut entry = vec![("weight", weight(domain.weight()))];
        if let Some(epochs) = domain.epochs {
            entry.push(("repetition_factor", Yaml::number(rounded_up(epochs))));
        }
        (domain.name.clone(), Yaml::map(entry))
    };
    let mix = Yaml::map(blend.domains.iter().map(leaf));
    yaml_file(format, blend, &Yaml::map([("mix", mix)]))
}

//! nanotron's Nanosets.

use super::super::data::{Globs, Reads, Weighted};
use super::super::text::{list, weight, yaml_file};
use super::super::{Blend, Drawn, Format, Needs, Schedule};
use crate::config::yaml::Yaml;
use crate::error::IoError;

pub(in super::super) static FORMAT: Format = Format {
    name: "nanotron",
    help: "YAML: nanotron's data_stages",
    extension: "yaml",
    reads: Some(Reads {
        what: "folders of .ds files that datatrove's tokenizer wrote",
        kinds: &["datatrove"],
        globs: Globs::None,
        weighted: Weighted::Always,
        folders: true,
    }),
    needs: Needs::NOTHING,
    remarks: &[
        "nanotron shuffles an index of as many sequences as all folders have, and repeats it: in a longer run a domain \
         begins again though it has data that was not read, and in a shorter one shares vary at random.",
        "Start: add data_stages to the run's config, then torchrun --nproc_per_node=... run_train.py --config-file FILE",
    ],
    drawn: Drawn::random,
    text: |format, blend| Ok(yaml_file(format, blend, &config(blend))),
};

/// A stage for each phase, from the step at which it begins; nanotron counts from 1.
pub(in super::super) fn schedule(format: &Format, schedule: &Schedule) -> Result<String, IoError> {
    let steps = format.steps_of(schedule)?;
    let stages = schedule.stages.iter().zip(steps);
    let stages = stages.map(|(one, step)| stage(&one.name, step + 1, &one.blend));
    let config = Yaml::map([("data_stages", Yaml::List(stages.collect()))]);
    Ok(schedule.header(format) + &config.to_file())
}

fn config(blend: &Blend) -> Yaml {
    let stage = stage("mixture", 1, blend);
    Yaml::map([("data_stages", Yaml::List(vec![stage]))])
}

fn stage(name: &str, first_step: u64, blend: &Blend) -> Yaml {
    let weights = blend.paths().map(|(_, path)| weight(path.weight()));
    let dataset = Yaml::map([
        (
            "dataset_folder",
            list(blend.paths().map(|(_, path)| &path.path)),
        ),
        ("dataset_weights", Yaml::List(weights.collect())),
    ]);
    let data = Yaml::map([
        ("dataset", dataset),
        ("num_loading_workers", Yaml::whole(1)),
        ("seed", Yaml::whole(42)),
    ]);
    Yaml::map([
        ("name", Yaml::text(name)),
        ("start_training_step", Yaml::whole(first_step)),
        ("data", data),
    ])
}

//! The train loader of LLM Foundry.

use super::super::text::yaml_file;
use super::super::{Blend, Format, Needs};
use super::streaming::{READS, drawn, streams};
use crate::config::yaml::Yaml;
use crate::error::{IoError, Location};
use crate::messages::excerpt;

pub(in super::super) static FORMAT: Format = Format {
    name: "llm-foundry",
    help: "YAML: LLM Foundry's train_loader.dataset",
    extension: "yaml",
    reads: Some(READS),
    needs: Needs::SEQUENCES,
    remarks: &[
        "A sample is taken for a sequence of the run: rows of MDS must be alike in length (packed). Of each epoch every \
         stream has exactly its `choose` samples; the run is one epoch (max_duration: 1ep).",
        "Start: merge this into the run's YAML file, then composer scripts/train/train.py FILE",
    ],
    drawn,
    text,
};

fn text(format: &Format, blend: &Blend) -> Result<String, IoError> {
    if let Some((domain, path)) = blend.paths().find(|(_, path)| path.path.contains("\\${")) {
        return Err(IoError::input(
            &domain.name,
            Location::File,
            format!(
                "LLM Foundry can't be given the path `{}`: it reads `\\${{` as `${{`",
                excerpt(&path.path)
            ),
            "rename the folder",
        ));
    }
    Ok(yaml_file(format, blend, &config(blend)))
}

fn config(blend: &Blend) -> Yaml {
    let length = blend.run.sequence_length.unwrap_or(0);
    let dataset = Yaml::map([
        ("streams", streams(blend, uninterpolated)),
        ("max_seq_len", Yaml::whole(length)),
        ("shuffle", Yaml::Scalar("true".into())),
    ]);
    let loader = Yaml::map([("name", Yaml::text("text")), ("dataset", dataset)]);
    Yaml::map([("train_loader", loader)])
}

/// A text that `OmegaConf` reads back as it is: in it `${…}` stands for another value, unless a backslash is before.
fn uninterpolated(text: &str) -> Yaml {
    Yaml::text(&text.replace("${", "\\${"))
}

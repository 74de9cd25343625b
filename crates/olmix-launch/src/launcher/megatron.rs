//! The blend of a run's mixture, as Megatron's trainers take it in their command.

use olmix_io::export::{Blend, Format, Inputs, Run};
use olmix_io::{DomainWeights, LaunchConfig};

use crate::LaunchError;
use crate::domain_files::domain_files;
use crate::host::shell::quoted;

/// The words of `--data-path`: weights and prefixes by turns, each a word of a shell.
///
/// # Errors
/// [`LaunchError::Refused`] without data, and for data that Megatron can't read or that can't be measured.
pub fn line(config: &LaunchConfig) -> Result<String, LaunchError> {
    let format = format("megatron")?;
    let text = format.text(&blend(config, format)?)?;
    let words: Vec<String> = text.split_whitespace().map(quoted).collect();
    Ok(words.join(" "))
}

/// The blend of Megatron Bridge as JSON, which is YAML and an override of Hydra too:
/// `[["prefix", …], [0.5, …]]`.
///
/// # Errors
/// As [`line`].
pub fn lists(config: &LaunchConfig) -> Result<String, LaunchError> {
    let blend = blend(config, format("megatron-bridge")?)?;
    let prefix =
        |path: &str| serde_json::Value::from(path.strip_suffix(".bin").unwrap_or(path)).to_string();
    let prefixes: Vec<String> = blend.paths().map(|(_, path)| prefix(&path.path)).collect();
    let weights: Vec<String> = blend.paths().map(|(_, path)| path.weight()).collect();
    Ok(format!(
        "[[{}],[{}]]",
        prefixes.join(","),
        weights.join(",")
    ))
}

fn format(name: &str) -> Result<&'static Format, LaunchError> {
    let missing = || LaunchError::refused(format!("there is no format {name}"), "report this");
    Format::named(name).ok_or_else(missing)
}

/// The mixture of a launch config over the files of its data section.
fn blend(config: &LaunchConfig, format: &'static Format) -> Result<Blend, LaunchError> {
    let Some(data) = &config.data else {
        return Err(LaunchError::refused(
            format!(
                "{}: the command takes a blend of Megatron, and there is no `data`",
                config.file
            ),
            "add the section `data`, with the .bin files of each domain",
        ));
    };
    let weights = config
        .mix
        .iter()
        .map(|leaf| (leaf.name.clone(), leaf.weight));
    let weights = DomainWeights::of(weights.collect());
    let named = |name: &str, _: &[String]| config.mix.iter().any(|leaf| leaf.name == name);
    // Looked for beside the config first.
    let folder = std::path::absolute(&config.folder).unwrap_or_else(|_| config.folder.clone());
    let files = domain_files(data, &folder, named);
    let files = files.map_err(|problem| LaunchError::refused(problem, "correct `data.sources`"))?;
    let run = Run {
        target_tokens: config.training.tokens.map(|tokens| tokens as f64),
        ..Run::default()
    };
    let inputs = Inputs {
        file: &config.file,
        run,
        data: Some(data),
        files: Some(&files),
        ..Inputs::default()
    };
    let mut blend = Blend::new(format, &weights, &inputs)?;
    // What was found in the folder of the launch: a command may change to another.
    for path in blend
        .domains
        .iter_mut()
        .flat_map(|domain| &mut domain.paths)
    {
        if !path.path.contains("://")
            && let Ok(absolute) = std::path::absolute(&path.path)
        {
            path.path = absolute.to_string_lossy().into_owned();
        }
    }
    Ok(blend)
}

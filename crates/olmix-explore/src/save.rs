//! A fit config that gives a mixture of the explorer, written beside the fit's own.

use std::io::ErrorKind;
use std::path::Path;

use olmix_fs::{StagedFile, read_text_bounded};
use olmix_io::yaml::{Document, Yaml, with_sections};
use olmix_io::{FitConfig, IoError};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::explorer::Explorer;
use crate::model::Model;
use crate::settings::Settings;
use crate::solve::solve;
use crate::source::Fitted;

/// Writes `explore-NAME.yaml`: the fit's config with the settings' λ, caps, bounds, groups and task weights in it.
/// `olmix fit` on it gives the mixture that [`solve`] finds for them.
///
/// # Errors
/// [`ApiError`] where the fit's config is not at hand, for settings without a mixture, for a name that is no plain
/// file name, and where there is a file of that name.
pub fn save(explorer: &Explorer, name: &str, settings: &Settings) -> Result<Value, ApiError> {
    let model = explorer.laws()?;
    let fitted = explorer.fitted.as_deref().ok_or_else(|| {
        let reason = explorer.notices.first().map_or("", String::as_str);
        ApiError::conflict(
            format!("the config of this fit is not at hand. {reason}"),
            "start olmix explore in the folder that olmix fit was started in, with its files as they were",
        )
    })?;
    if !fitted.complete {
        return Err(ApiError::conflict(
            format!(
                "{} is not the whole config of this fit: it had options of the command line",
                fitted.config.display()
            ),
            "explore the folder that olmix fit wrote, whose config.json has them all",
        ));
    }
    check_name(name)?;
    // Only what has a mixture is worth a config.
    solve(&model, None, settings)?;
    let path = fitted.folder.join(format!("explore-{name}.yaml"));
    let text = config(&path, &model, fitted, settings)?;
    let staged = StagedFile::new(&path, text.as_bytes()).map_err(IoError::from)?;
    staged.commit_new().map_err(|error| {
        if error.error.kind() == ErrorKind::AlreadyExists {
            let message = format!("there is a file {} already", path.display());
            return ApiError::conflict(message, "choose another name");
        }
        IoError::from(error).into()
    })?;
    let output = fitted.folder.join(format!("out-{name}"));
    Ok(json!({
        "path": path,
        "text": text,
        "command": format!("olmix fit --config {} --output-dir {}", quoted(&path), quoted(&output)),
        "exact": model.convex,
    }))
}

/// Letters, digits, `.`, `_` and `-`: the same on every file system, and nothing that leads elsewhere.
fn check_name(name: &str) -> Result<(), ApiError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fits = (1..=64).contains(&name.len())
        && name.chars().all(plain)
        && !name.starts_with('.')
        && !name.ends_with('.');
    if fits {
        return Ok(());
    }
    Err(ApiError::refused(
        "this can't be the name of a scenario",
        "use 1 to 64 letters, digits, `-` and `_`, such as more-code",
    ))
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The text of the config.
fn config(
    path: &Path,
    model: &Model,
    fitted: &Fitted,
    settings: &Settings,
) -> Result<String, ApiError> {
    if model.file.held_out_runs > 0 {
        return Err(ApiError::refused(
            "the fit sets runs aside to test its laws (regression.n_test), and such a fit proposes no mixture",
            "fit without n_test, and explore that",
        ));
    }
    let base =
        read_text_bounded(&fitted.config).map_err(|error| IoError::read(&fitted.config, &error))?;
    let name = fitted.config.display().to_string();
    let document = Document::parse(&name, &base)?;
    let root = document.root().to_yaml();
    let part = |key: &str| {
        root.get(key)
            .filter(|part| matches!(part, Yaml::Map(_)))
            .cloned()
    };
    let part = |key: &str| part(key).unwrap_or(Yaml::Map(Vec::new()));
    let mut sections: Vec<(&str, Yaml)> = Vec::new();
    if !fitted.tables.is_empty() {
        let mut swarm = part("swarm");
        for (role, file) in &fitted.tables {
            swarm.set(role, Yaml::text(&file.display().to_string()));
        }
        sections.push(("swarm", swarm));
    }
    if !settings.task_weights.is_empty() {
        let mut filtering = part("filtering");
        let weights = settings.task_weights(model)?;
        let tasks = model.file.law.tasks.iter().zip(weights);
        filtering.set(
            "obj_weights",
            Yaml::map(tasks.map(|(task, weight)| (task.name.clone(), Yaml::number(weight)))),
        );
        sections.push(("filtering", filtering));
    }
    sections.push(("proposer", proposer(part("proposer"), model, settings)));
    sections.push((
        "constraints",
        constraints(part("constraints"), model, settings),
    ));
    let text = with_sections(&name, &base, &sections)?;
    let header = format!("# Saved by olmix explore from {}\n", one_line(&name));
    let text = header + &text;
    // What is written is a config, whatever it was made of.
    let folder = path.parent().unwrap_or(Path::new(""));
    FitConfig::parse(&path.display().to_string(), &text, folder)?;
    Ok(text)
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn truth(value: bool) -> Yaml {
    Yaml::Scalar(value.to_string())
}

fn proposer(mut proposer: Yaml, model: &Model, settings: &Settings) -> Yaml {
    let found_by = model
        .file
        .optimizer
        .as_ref()
        .map_or("", |optimizer| optimizer.kind.as_str());
    let solves_by = if model.convex { "exact" } else { "local" };
    if found_by != solves_by {
        proposer.set("type", Yaml::text(solves_by));
        proposer.remove("temperature");
    }
    for key in ["fit_only", "make_worst_mix"] {
        if proposer.get(key).is_some() {
            proposer.set(key, truth(false));
        }
    }
    proposer.set("kl_reg", Yaml::number(settings.kl));
    proposer
}

fn constraints(mut constraints: Yaml, model: &Model, settings: &Settings) -> Yaml {
    let capped = settings.target_tokens.is_some() && settings.repetition.is_some();
    constraints.set("enabled", truth(capped));
    for (key, value) in [
        ("target_tokens", settings.target_tokens),
        ("repetition_factor", settings.repetition),
    ] {
        match value {
            Some(value) => constraints.set(key, Yaml::number(value)),
            None => constraints.remove(key),
        }
    }
    let bound = |[min, max]: [f64; 2]| {
        vec![
            ("min".to_owned(), Yaml::number(min)),
            ("max".to_owned(), Yaml::number(max)),
        ]
    };
    let mut bounds: Vec<(String, Yaml)> = Vec::new();
    for name in model.domains.names() {
        let fixed = settings.fixed.get(name).map(|weight| [*weight, *weight]);
        if let Some(range) = fixed.or_else(|| settings.bounds.get(name).copied()) {
            bounds.push((name.to_owned(), Yaml::Map(bound(range))));
        }
    }
    let written = constraints.get("groups").cloned();
    let group = |name: &String, range: [f64; 2]| {
        let known = written
            .as_ref()
            .and_then(|groups| groups.get(name)?.get("domains").cloned());
        let domains = known.unwrap_or_else(|| Yaml::List(vec![Yaml::text(name)]));
        let mut entries = vec![("domains".to_owned(), domains)];
        entries.extend(bound(range));
        (name.clone(), Yaml::Map(entries))
    };
    let in_file = model
        .file
        .groups
        .iter()
        .filter_map(|known| settings.groups.get_key_value(&known.name));
    let others = settings
        .groups
        .iter()
        .filter(|(name, _)| !model.file.groups.iter().any(|known| known.name == **name));
    let groups: Vec<(String, Yaml)> = in_file
        .chain(others)
        .map(|(name, range)| group(name, *range))
        .collect();
    for (key, entries) in [("bounds", bounds), ("groups", groups)] {
        if entries.is_empty() {
            constraints.remove(key);
        } else {
            constraints.set(key, Yaml::Map(entries));
        }
    }
    constraints
}

//! Names and paths in texts that other programs run or read: the one place where they are escaped.

use super::{Blend, Format};
use crate::config::yaml::Yaml;
use crate::error::{IoError, Location};
use crate::messages::excerpt;
use crate::names::{CONTROL_HELP, has_control, is_control};

/// Refuses a name or path with such a character.
pub(super) fn refuse_control(file: &str, name: &str) -> Result<(), IoError> {
    if !has_control(name) {
        return Ok(());
    }
    Err(IoError::input(
        file,
        Location::File,
        format!(
            "`{}` has a line break or control character in its name",
            excerpt(name)
        ),
        CONTROL_HELP,
    ))
}

/// A comment line of `#`.
pub(super) fn comment(line: &str) -> String {
    let safe: String = line
        .chars()
        .map(|c| if is_control(c) { ' ' } else { c })
        .collect();
    format!("# {safe}\n")
}

/// What an export says of itself, a line each: the run, tokens and epochs of each domain, where the mixture comes
/// from, what the trainer rounds, and how it is started.
pub(super) fn statement(format: &Format, blend: &Blend) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(target) = blend.run.target_tokens {
        let batches = blend.run.batches().zip(blend.run.batch_tokens);
        let batches =
            batches.map(|(count, batch)| format!(" ({target:.0}, {count:.0} batches of {batch})"));
        let batches = batches.unwrap_or_default();
        lines.push(format!("For a run of {target:e} tokens{batches}:"));
        for domain in &blend.domains {
            let epochs = match domain.epochs {
                Some(epochs) => format!("{epochs:.2} epochs"),
                None => "epochs unknown".to_owned(),
            };
            let tokens = domain.tokens.unwrap_or(0.0);
            lines.push(format!("  {}: {tokens:.4e} tokens, {epochs}", domain.name));
        }
    }
    lines.extend(rounded(format, blend));
    lines.extend(blend.origin.as_ref().map(super::Origin::line));
    lines.extend(format.remarks.iter().map(|line| (*line).to_owned()));
    lines
}

/// What the trainer's rounding changes by more than a part in two hundred, a line for each domain.
fn rounded(format: &Format, blend: &Blend) -> Vec<String> {
    const WORTH_SAYING: f64 = 0.005;
    let Some(drawn) = format.drawn(blend) else {
        return Vec::new();
    };
    let line = |(domain, drawn): (&super::BlendDomain, f64)| {
        let asked = domain.tokens?;
        let change = drawn / asked - 1.0;
        let name = &domain.name;
        (change.abs() > WORTH_SAYING).then(|| {
            format!(
                "Rounded by the trainer: {name} is drawn for {drawn:.4e} tokens ({:+.1} %).",
                100.0 * change
            )
        })
    };
    let domains = blend.domains.iter().zip(drawn.tokens);
    domains.filter_map(line).collect()
}

/// The statement as comment lines.
pub(super) fn header(format: &Format, blend: &Blend) -> String {
    statement(format, blend)
        .iter()
        .map(|line| comment(line))
        .collect()
}

/// A YAML file: the value, under the statement.
pub(super) fn yaml_file(format: &Format, blend: &Blend, value: &Yaml) -> String {
    format!("{}{}", header(format, blend), value.to_file())
}

/// A weight, nine decimals.
pub(super) fn weight(weight: String) -> Yaml {
    Yaml::Scalar(weight)
}

/// Texts as a YAML list.
pub(super) fn list<'a>(texts: impl Iterator<Item = &'a String>) -> Yaml {
    Yaml::List(texts.map(|text| Yaml::text(text)).collect())
}

/// Text as a literal of Python and JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Texts as a list of literals of Python and JSON.
pub(super) fn quoted_list<'a>(texts: impl Iterator<Item = &'a String>) -> String {
    let all: Vec<String> = texts.map(|text| quoted(text)).collect();
    format!("[{}]", all.join(", "))
}

//! A JSON list, an object per domain.

use super::super::text::quoted;
use super::super::{Blend, Format, Needs, Schedule, Stage};
use super::not_drawn;

pub(in super::super) static FORMAT: Format = Format {
    name: "json",
    help: "an object per domain: domain, weight, tokens, epochs",
    extension: "json",
    reads: None,
    needs: Needs::NOTHING,
    remarks: &[],
    drawn: not_drawn,
    text: |_, blend| Ok(text(blend)),
};

/// A list of phases, each with its rows.
pub(in super::super) fn schedule(schedule: &Schedule) -> String {
    let phase = |stage: &Stage| {
        let tokens = serde_json::Value::from(stage.blend.run.target_tokens);
        let rows = text(&stage.blend);
        let rows = rows.trim_end().replace('\n', "\n  ");
        format!(
            "  {{\"phase\": {}, \"fraction\": {}, \"tokens\": {tokens}, \"mixture\": {rows}}}",
            quoted(&stage.name),
            serde_json::Value::from(stage.fraction)
        )
    };
    let phases: Vec<String> = schedule.stages.iter().map(phase).collect();
    format!("[\n{}\n]\n", phases.join(",\n"))
}

/// Written by hand, a domain a line: weights keep their nine decimals.
fn text(blend: &Blend) -> String {
    let optional = |value: Option<f64>| serde_json::Value::from(value).to_string();
    let rows = blend.domains.iter().map(|domain| {
        let (name, weight) = (quoted(&domain.name), domain.weight());
        let (tokens, epochs) = (optional(domain.tokens), optional(domain.epochs));
        format!("  {{\"domain\": {name}, \"weight\": {weight}, \"tokens\": {tokens}, \"epochs\": {epochs}}}")
    });
    let rows: Vec<String> = rows.collect();
    format!("[\n{}\n]\n", rows.join(",\n"))
}

//! A JSON list, an object per domain.

use super::super::text::quoted;
use super::super::{Blend, Format, Needs};
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

//! A CSV table, a row per domain.

use super::{Blend, Format};
use crate::artifact::csv_npy::{csv_bytes, csv_number};
use crate::error::IoError;

pub(super) static FORMAT: Format = Format {
    name: "csv",
    help: "a row per domain: domain, weight, tokens, epochs",
    extension: "csv",
    names_files: false,
    takes_globs: true,
    text,
};

fn text(blend: &Blend) -> Result<String, IoError> {
    let optional = |value: Option<f64>| value.map_or_else(String::new, csv_number);
    let rows = blend.domains.iter().map(|domain| {
        let (tokens, epochs) = (optional(domain.tokens), optional(domain.epochs));
        [domain.name.clone(), domain.weight(), tokens, epochs]
    });
    let header = ["domain", "weight", "tokens", "epochs"];
    let bytes = csv_bytes("mixture.csv", &header, rows)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

//! A CSV table, a row per domain.

use super::super::{Blend, Format, Needs, Schedule};
use super::not_drawn;
use crate::artifact::csv_npy::{csv_bytes, csv_number};
use crate::error::IoError;

pub(in super::super) static FORMAT: Format = Format {
    name: "csv",
    help: "a row per domain: domain, weight, tokens, epochs",
    extension: "csv",
    reads: None,
    needs: Needs::NOTHING,
    remarks: &[],
    drawn: not_drawn,
    text,
};

/// A row per phase and domain; tokens and epochs are those of the phase.
pub(in super::super) fn schedule(schedule: &Schedule) -> Result<String, IoError> {
    let optional = |value: Option<f64>| value.map_or_else(String::new, csv_number);
    let rows = schedule.stages.iter().flat_map(|stage| {
        stage.blend.domains.iter().map(move |domain| {
            let (tokens, epochs) = (optional(domain.tokens), optional(domain.epochs));
            let phase = stage.name.clone();
            [phase, domain.name.clone(), domain.weight(), tokens, epochs]
        })
    });
    let header = ["phase", "domain", "weight", "tokens", "epochs"];
    let bytes = csv_bytes("mixture.csv", &header, rows)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn text(_: &Format, blend: &Blend) -> Result<String, IoError> {
    let optional = |value: Option<f64>| value.map_or_else(String::new, csv_number);
    let rows = blend.domains.iter().map(|domain| {
        let (tokens, epochs) = (optional(domain.tokens), optional(domain.epochs));
        [domain.name.clone(), domain.weight(), tokens, epochs]
    });
    let header = ["domain", "weight", "tokens", "epochs"];
    let bytes = csv_bytes("mixture.csv", &header, rows)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

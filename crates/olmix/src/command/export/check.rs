//! `olmix export --check`: what a trainer draws of a blend.

use olmix_io::export::{Blend, Drawn};
use serde_json::json;

use super::tokens;
use crate::args::ExportArgs;
use crate::failure::Failure;
use crate::output;
use crate::table::{number, table};

/// Prints what the mixture asks of each domain, and of each path with a weight of its own, beside what is drawn.
pub fn run(args: &ExportArgs, blend: &Blend) -> Result<(), Failure> {
    let name = args.format.name();
    if !args.format.names_files() {
        return Err(Failure::refused(format!(
            "--check: {name} is a table, which no trainer draws from; name a trainer's format"
        )));
    }
    let Some(drawn) = args.format.drawn(blend) else {
        let what = if blend.run.target_tokens.is_none() {
            "--target-tokens"
        } else {
            "--sequence-length"
        };
        return Err(Failure::refused(format!(
            "--check needs {what} to know what {name} draws"
        )));
    };
    let rows = rows(blend, &drawn);
    if args.common.json {
        let rows: Vec<serde_json::Value> = rows.iter().map(Row::json).collect();
        return output::print_json(&json!({ "format": name, "drawn": rows }).to_string());
    }
    let cells: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
    output::print(table(
        &["domain", "path", "asked", "drawn", "±", "epochs"],
        &cells,
    ))?;
    let worst = (0..blend.domains.len()).map(|i| {
        let asked = blend.domains[i].tokens.unwrap_or(0.0);
        (drawn.tokens[i] - asked).abs() / asked.max(1.0)
    });
    output::print(format!(
        "Largest difference between asked and drawn: {:.3} % of a domain's tokens.",
        100.0 * worst.fold(0.0, f64::max)
    ))
}

/// A domain, or a path of one.
struct Row<'a> {
    domain: &'a str,
    path: Option<&'a str>,
    asked: f64,
    drawn: f64,
    deviation: f64,
    epochs: Option<f64>,
}

fn rows<'a>(blend: &'a Blend, drawn: &Drawn) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (i, domain) in blend.domains.iter().enumerate() {
        let row = |path: Option<&'a str>, part: f64, held: Option<f64>| Row {
            domain: &domain.name,
            path,
            asked: part * domain.tokens.unwrap_or(0.0),
            drawn: part * drawn.tokens[i],
            deviation: part.sqrt() * drawn.deviation[i],
            epochs: held.map(|held| part * drawn.tokens[i] / held),
        };
        rows.push(row(None, 1.0, domain.available));
        let weighted = domain.paths.iter().filter(|path| path.billionths > 0);
        if domain.paths.len() > 1 {
            rows.extend(weighted.map(|path| {
                let part = path.billionths as f64 / domain.billionths as f64;
                row(Some(&path.path), part, path.tokens)
            }));
        }
    }
    rows
}

impl Row<'_> {
    fn cells(&self) -> Vec<String> {
        let deviation = if self.deviation > 0.0 {
            tokens(Some(self.deviation))
        } else {
            String::new()
        };
        vec![
            self.path
                .map_or_else(|| self.domain.to_owned(), |_| String::new()),
            self.path.unwrap_or_default().to_owned(),
            tokens(Some(self.asked)),
            tokens(Some(self.drawn)),
            deviation,
            number(self.epochs, 2),
        ]
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "domain": self.domain,
            "path": self.path,
            "asked": self.asked,
            "drawn": self.drawn,
            "deviation": self.deviation,
            "epochs": self.epochs,
        })
    }
}

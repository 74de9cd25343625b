//! `olmix mix`.

use std::path::Path;

use olmix_io::{DomainWeights, GenerationConfig, WeightChange, WeightDifference};
use serde_json::json;

use crate::args::{MixCommand, MixDiffArgs, ShowArgs};
use crate::bars::bars;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::table::{number, percent, table};

/// Draws a mixture, or compares two.
pub fn run(command: &MixCommand) -> Result<(), Failure> {
    match command {
        MixCommand::Show(args) => show(args),
        MixCommand::Diff(args) => diff(args),
    }
}

/// Draws the weights in a file.
pub fn show(args: &ShowArgs) -> Result<(), Failure> {
    let found = read(&args.file, args.data.as_deref())?;
    if args.common.json {
        return output::print_json(&json!(found).to_string());
    }
    output::print(bars(&found.weights, found.tokens.as_deref()))
}

/// Reads weights; the paths of a blend become the domains of a generation config.
fn read(file: &Path, data: Option<&Path>) -> Result<DomainWeights, Failure> {
    let data = data.map(GenerationConfig::load).transpose()?;
    let data = data.as_ref().map(|(config, _)| &config.data);
    Ok(DomainWeights::read_over(file, data)?)
}

fn diff(args: &MixDiffArgs) -> Result<(), Failure> {
    let data = args.data.as_deref();
    let (a, b) = (read(&args.a, data)?, read(&args.b, data)?);
    compare(&a.weights, &b.weights, args.top, args.common.json)
}

/// Prints what changes between two mixtures.
pub fn compare(
    a: &[(String, f64)],
    b: &[(String, f64)],
    top: usize,
    as_json: bool,
) -> Result<(), Failure> {
    let difference = WeightDifference::new(a, b);
    if as_json {
        return output::print_json(&json(&difference).to_string());
    }
    let row = |one: &WeightChange| {
        vec![
            one.name.clone(),
            percent(one.before),
            percent(one.after),
            format!("{:+.2}", 100.0 * one.change()),
            if one.before > 0.0 {
                format!("{}×", number(Some(one.after / one.before), 2))
            } else {
                "new".to_owned()
            },
        ]
    };
    let changed = difference.changed();
    let largest = difference.changes.iter().take(top.min(changed));
    let rows: Vec<Vec<String>> = largest.map(row).collect();
    let mut text = Page::from(format!(
        "{} of the data moves (total variation distance)\nKL(B‖A) {} nats, KL(A‖B) {} nats\n",
        percent(difference.total_variation),
        nats(difference.kl_after_from_before),
        nats(difference.kl_before_from_after)
    ));
    if !rows.is_empty() {
        text += table(&["domain", "A", "B", "points", "ratio"], &rows);
    }
    if changed > rows.len() {
        text += &format!(" … and {} smaller moves\n", changed - rows.len());
    }
    output::print(text)
}

fn json(difference: &WeightDifference) -> serde_json::Value {
    let one = |one: &WeightChange| json!({"domain": one.name, "a": one.before, "b": one.after, "change": one.change()});
    let finite = |x: f64| x.is_finite().then_some(x);
    json!({
        "total_variation": difference.total_variation,
        "kl_b_from_a": finite(difference.kl_after_from_before),
        "kl_a_from_b": finite(difference.kl_before_from_after),
        "moves": difference.changes.iter().map(one).collect::<Vec<_>>(),
    })
}

fn nats(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.4}")
    } else {
        "∞".to_owned()
    }
}

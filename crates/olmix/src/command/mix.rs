//! `olmix mix`.

use olmix_io::Shares;
use serde_json::json;

use crate::args::{MixCommand, MixDiffArgs, ShowArgs};
use crate::bars::bars;
use crate::failure::Failure;
use crate::output;
use crate::table::{number, percent, table};

/// Shows or compares.
pub fn run(command: &MixCommand) -> Result<(), Failure> {
    match command {
        MixCommand::Show(args) => show(args),
        MixCommand::Diff(args) => diff(args),
    }
}

/// Draws the shares in a file.
pub fn show(args: &ShowArgs) -> Result<(), Failure> {
    let shares = Shares::read(&args.file)?;
    if args.common.json {
        return output::print(&json!(shares).to_string());
    }
    output::print(&bars(&shares.shares, shares.tokens.as_deref()))
}

/// A domain in either of two mixtures.
struct Move {
    name: String,
    a: f64,
    b: f64,
}

fn diff(args: &MixDiffArgs) -> Result<(), Failure> {
    let (a, b) = (Shares::read(&args.a)?, Shares::read(&args.b)?);
    compare(&a.shares, &b.shares, args.top, args.common.json)
}

/// Prints what changes between two mixtures.
pub fn compare(
    a: &[(String, f64)],
    b: &[(String, f64)],
    top: usize,
    as_json: bool,
) -> Result<(), Failure> {
    let mut moves = moves(a, b);
    let distance: f64 = 0.5 * moves.iter().map(|m| (m.b - m.a).abs()).sum::<f64>();
    let (to, from) = (
        divergence(&moves, |m| (m.b, m.a)),
        divergence(&moves, |m| (m.a, m.b)),
    );
    // A stable sort: equal moves stay in the order of the files.
    moves.sort_by(|x, y| (y.b - y.a).abs().total_cmp(&(x.b - x.a).abs()));
    if as_json {
        let one = |m: &Move| json!({"domain": m.name, "a": m.a, "b": m.b, "change": m.b - m.a});
        let finite = |x: f64| x.is_finite().then_some(x);
        let printed = json!({
            "total_variation": distance,
            "kl_b_from_a": finite(to),
            "kl_a_from_b": finite(from),
            "moves": moves.iter().map(one).collect::<Vec<_>>(),
        });
        return output::print(&printed.to_string());
    }
    let row = |m: &Move| {
        vec![
            m.name.clone(),
            percent(m.a),
            percent(m.b),
            format!("{:+.2}", 100.0 * (m.b - m.a)),
            if m.a > 0.0 {
                format!("{}×", number(Some(m.b / m.a), 2))
            } else {
                "new".to_owned()
            },
        ]
    };
    // Less than a millionth of the data is rounding.
    let changed = moves.iter().filter(|m| (m.b - m.a).abs() > 1e-6).count();
    let rows: Vec<Vec<String>> = moves.iter().take(top.min(changed)).map(row).collect();
    let mut text = format!(
        "{} of the data moves (total variation distance)\nKL(B‖A) {} nats, KL(A‖B) {} nats\n",
        percent(distance),
        nats(to),
        nats(from)
    );
    if !rows.is_empty() {
        text += &table(&["domain", "A", "B", "points", "ratio"], &rows);
    }
    if changed > rows.len() {
        text += &format!(" … and {} smaller moves\n", changed - rows.len());
    }
    output::print(&text)
}

/// Every domain of either, those of the first first.
fn moves(a: &[(String, f64)], b: &[(String, f64)]) -> Vec<Move> {
    let share = |of: &[(String, f64)], name: &str| {
        let found = of.iter().find(|(other, _)| other == name);
        found.map_or(0.0, |(_, share)| *share)
    };
    let mut moves: Vec<Move> = a
        .iter()
        .map(|(name, share_a)| Move {
            name: name.clone(),
            a: *share_a,
            b: share(b, name),
        })
        .collect();
    for (name, share_b) in b {
        if !a.iter().any(|(other, _)| other == name) {
            moves.push(Move {
                name: name.clone(),
                a: 0.0,
                b: *share_b,
            });
        }
    }
    moves
}

/// `Σ p log(p / q)`; infinite where `q` lacks what `p` has.
fn divergence(moves: &[Move], pair: impl Fn(&Move) -> (f64, f64)) -> f64 {
    let pairs = moves.iter().map(pair).filter(|(p, _)| *p > 0.0);
    let sum: f64 = pairs.map(|(p, q)| p * (p / q).ln()).sum();
    sum.max(0.0)
}

fn nats(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.4}")
    } else {
        "∞".to_owned()
    }
}

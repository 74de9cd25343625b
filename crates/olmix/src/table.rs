//! Tables for people.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use olmix_core::LossChange;

/// A table with a header; all columns but the first are right-aligned numbers.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    table_with_text(header, rows, &[0])
}

/// A table with a header; the columns `text` (positions) are text, the others right-aligned numbers.
pub fn table_with_text(header: &[&str], rows: &[Vec<String>], text: &[usize]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.iter().map(|name| in_one_line(name)));
    for row in rows {
        table.add_row(row.iter().map(|cell| in_one_line(cell)));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        if !text.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // Padding to the right of the last column is of no use, and breaks lines on a narrow terminal.
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n") + "\n"
}

/// Most characters of a cell: longer names are cut, and lists of paths seldom are.
const WIDEST: usize = 400;

/// A cell's text in one line, without control characters and of bounded width: it may come from a file of any
/// making.
pub fn in_one_line(text: &str) -> String {
    let shown = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c });
    match text.chars().nth(WIDEST) {
        None => shown.collect(),
        Some(_) => shown.take(WIDEST - 1).chain(['…']).collect(),
    }
}

/// A share as a percentage with two decimals.
pub fn percent(share: f64) -> String {
    format!("{} %", number(Some(100.0 * share), 2))
}

/// A change as a percentage with two decimals and its sign.
pub fn signed_percent(share: f64) -> String {
    let text = percent(share.abs());
    match share {
        _ if !share.is_finite() || text.starts_with("0.00 ") => text,
        share if share > 0.0 => format!("+{text}"),
        _ => format!("−{text}"),
    }
}

/// `−25.66 %`, or `+7.46 % worse`.
pub fn signed_change(change: &LossChange) -> String {
    let share = signed_percent(change.relative());
    if change.is_worse() {
        format!("{share} worse")
    } else {
        share
    }
}

/// A coverage as a percentage with as many decimals as it needs.
pub fn coverage(share: f64) -> String {
    // Two digits more than a percent has are enough for any coverage in use.
    format!("{} %", (1e6 * share).round() / 1e4)
}

/// A number with a fixed number of decimals; `–` for what is not known or not finite.
pub fn number(value: Option<f64>, decimals: usize) -> String {
    match value {
        Some(value) if value.is_finite() && value.abs() < 1e6 => format!("{value:.decimals$}"),
        Some(value) if value.is_finite() => format!("{value:.1e}"),
        _ => "–".to_owned(),
    }
}

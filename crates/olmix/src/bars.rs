//! Shares as bars in a terminal.

use crate::table::{in_one_line, percent};
use crate::terminal::Medium;

/// Cells of the longest bar, where there is room for it.
const WIDTH: f64 = 40.0;

/// A line per name, the largest share first: name, share, tokens where they are known, and bar.
/// Shares are of the sum.
pub fn bars(sizes: &[(String, f64)], tokens: Option<&[u64]>) -> String {
    let names: Vec<String> = sizes.iter().map(|(name, _)| in_one_line(name)).collect();
    let sum: f64 = sizes.iter().map(|(_, size)| size).sum();
    let most = sizes.iter().map(|(_, size)| *size).fold(0.0, f64::max);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|&a, &b| sizes[b].1.total_cmp(&sizes[a].1));
    let widest = names.iter().map(|name| name.chars().count()).max();
    let widest = widest.unwrap_or(0);
    // Before the bar stand the name, the share and the tokens, with what parts them.
    let before = widest + 13 + if tokens.is_some() { 7 } else { 0 };
    let room = Medium::stdout()
        .width
        .map_or(WIDTH, |columns| columns.saturating_sub(before) as f64);
    let cells = room.clamp(0.0, WIDTH);
    let mut text = String::new();
    for i in order {
        let (name, size) = (&names[i], &sizes[i].1);
        let tokens = tokens.map_or_else(String::new, |tokens| {
            format!("  {:>5}", tokens_text(tokens[i]))
        });
        let line = format!(
            " {name:<widest$}  {:>8}{tokens}  {}",
            percent(if sum > 0.0 { size / sum } else { 0.0 }),
            bar(if most > 0.0 { cells * size / most } else { 0.0 })
        );
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A bar of so many cells, in eighths of one.
fn bar(cells: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (8.0 * cells).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// A number of tokens with three digits: `6.21B`.
pub fn tokens_text(tokens: u64) -> String {
    let (mut value, mut unit) = (tokens as f64, "");
    for next in ["K", "M", "B", "T"] {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    let decimals = match value {
        _ if unit.is_empty() => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keep_three_digits() {
        let shown = [
            0,
            999,
            1000,
            12_345,
            999_499,
            999_500,
            6_210_000_000,
            15_000_000_000_000,
        ];
        let shown = shown.map(tokens_text).join(" ");
        assert_eq!(shown, "0 999 1.00K 12.3K 999K 1.00M 6.21B 15.0T");
    }

    #[test]
    fn the_largest_share_has_the_longest_bar() {
        let sizes = [("a".to_owned(), 1.0), ("bc".to_owned(), 3.0)];
        let text = bars(&sizes, Some(&[10, 30]));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with(" bc   75.00 %     30  ████"), "{text}");
        assert!(lines[1].ends_with("   10  █████████████▍"), "{text}");
    }
}

//! Tables for people.

use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};
use console::{Style, measure_text_width};
use olmix_core::LossChange;

use crate::page::Page;
use crate::terminal::Medium;

/// A table with a header. Cells are in one line each; where the table is wider than the terminal, columns that do not
/// fit follow below, with the first column again.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Positions of columns that are text; the others are right-aligned numbers.
    text: Vec<usize>,
}

/// A table with a header; all columns but the first are right-aligned numbers.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> Page {
    table_with_text(header, rows, &[0])
}

/// A table with a header; the columns `text` (positions) are text, the others right-aligned numbers.
pub fn table_with_text(header: &[&str], rows: &[Vec<String>], text: &[usize]) -> Page {
    let one_line = |cells: &Vec<String>| cells.iter().map(|cell| in_one_line(cell)).collect();
    let table = Table {
        header: header.iter().map(|name| in_one_line(name)).collect(),
        rows: rows.iter().map(one_line).collect(),
        text: text.to_vec(),
    };
    table.into()
}

impl Table {
    /// The lines of the table, each with its line break. Headers are bold and what got worse is red where there are
    /// styles.
    pub fn rendered(&self, medium: Medium) -> String {
        let mut text = String::new();
        for columns in self.blocks(medium.width) {
            if !text.is_empty() {
                text.push('\n');
            }
            for (i, line) in self.lines(&columns).iter().enumerate() {
                text += &match i {
                    0 => medium.styled(line, &Style::new().bold()),
                    _ => marked(line, medium),
                };
                text.push('\n');
            }
        }
        text
    }

    /// The columns of each block: all in one where they fit.
    fn blocks(&self, width: Option<usize>) -> Vec<Vec<usize>> {
        let columns = self.header.len();
        let Some(width) = width else {
            return vec![(0..columns).collect()];
        };
        // A space on either side of each cell; the one at the end of a line is not printed.
        let of_cell = |text: &String| measure_text_width(text) + 2;
        let widths: Vec<usize> = (0..columns)
            .map(|j| {
                let cells = self.rows.iter().filter_map(|row| row.get(j));
                cells
                    .chain([&self.header[j]])
                    .map(of_cell)
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut blocks: Vec<Vec<usize>> = Vec::new();
        let mut used = usize::MAX / 2;
        for j in 0..columns {
            if j > 0 && used + widths[j] > width + 1 && blocks.last().is_some_and(|b| b.len() > 1) {
                used = usize::MAX / 2;
            }
            if used == usize::MAX / 2 {
                let first = if j == 0 { vec![0] } else { vec![0, j] };
                used = first.iter().map(|&k| widths[k]).sum();
                blocks.push(first);
            } else {
                used += widths[j];
                blocks.last_mut().into_iter().for_each(|b| b.push(j));
            }
        }
        blocks
    }

    fn lines(&self, columns: &[usize]) -> Vec<String> {
        let cells = |row: &Vec<String>| -> Vec<String> {
            let cell = |&j: &usize| row.get(j).cloned().unwrap_or_default();
            columns.iter().map(cell).collect()
        };
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(cells(&self.header));
        for row in &self.rows {
            grid.add_row(cells(row));
        }
        for (index, column) in grid.column_iter_mut().enumerate() {
            if !self.text.contains(&columns[index]) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        // Padding to the right of the last column is of no use, and breaks lines on a narrow terminal.
        grid.lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }
}

/// How a change for the worse ends.
const WORSE: &str = " worse";

/// A row of which what got worse stands out: its word, and the number before it.
fn marked(line: &str, medium: Medium) -> String {
    if !medium.styled || !line.ends_with(WORSE) {
        return line.to_owned();
    }
    let at = line.rfind("  ").map_or(0, |at| at + 2);
    let worse = medium.styled(&line[at..], &Style::new().red().bold());
    format!("{}{worse}", &line[..at])
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
        format!("{share}{WORSE}")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Page {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        table(
            &["domain", "prior", "proposed", "change"],
            &[
                row(["web", "60.00 %", "50.00 %", "−1.00 %"]),
                row(["code", "40.00 %", "50.00 %", "+7.46 % worse"]),
            ],
        )
    }

    #[test]
    fn columns_that_do_not_fit_follow_below_with_the_names_again() {
        let narrow = Medium {
            width: Some(30),
            styled: false,
        };
        let whole = example().rendered(Medium::PLAIN);
        assert_eq!(
            whole,
            " domain    prior  proposed         change\n web     60.00 %   50.00 %        −1.00 %\n code    40.00 \
             %   50.00 %  +7.46 % worse\n"
        );
        let blocks = example().rendered(narrow);
        assert_eq!(
            blocks,
            " domain    prior  proposed\n web     60.00 %   50.00 %\n code    40.00 %   50.00 %\n\n domain         \
             change\n web           −1.00 %\n code    +7.46 % worse\n"
        );
        let wide = Medium {
            width: Some(41),
            ..narrow
        };
        assert_eq!(example().rendered(wide), whole);
    }

    #[test]
    fn headers_and_what_got_worse_stand_out_where_styles_are_shown() {
        let styled = Medium {
            width: None,
            styled: true,
        };
        let text = example().rendered(styled);
        assert_eq!(
            console::strip_ansi_codes(&text),
            example().rendered(Medium::PLAIN)
        );
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with('\u{1b}') && !lines[1].contains('\u{1b}'),
            "{text:?}"
        );
        assert!(lines[2].contains("%  \u{1b}"), "{text:?}");
    }
}

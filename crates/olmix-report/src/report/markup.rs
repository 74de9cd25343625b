//! HTML pieces: tables, figures, paragraphs. Cells and captions are HTML; what came from outside
//! is escaped by who puts it in.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::Figure;
use crate::figure::Hover;
use crate::svg::escape;

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its heading, HTML.
    pub head: Cow<'static, str>,
    /// Whether its cells are words and not numbers.
    pub text: bool,
}

/// A column of numbers.
pub const fn number(head: &'static str) -> Column {
    Column {
        head: Cow::Borrowed(head),
        text: false,
    }
}

/// A column of words.
pub const fn text(head: &'static str) -> Column {
    Column {
        head: Cow::Borrowed(head),
        text: true,
    }
}

/// A table in a box that scrolls by itself. The first cell of a row is its header; rows in
/// `totals` at the end stand out.
pub fn table(caption: &str, columns: &[Column], rows: &[Vec<String>], totals: usize) -> String {
    let class = |column: Option<&Column>| match column {
        Some(Column { text: true, .. }) => " class=\"text\"",
        _ => "",
    };
    let mut html = format!(
        "<div class=\"box\" role=\"group\" aria-label=\"table\" tabindex=\"0\">\n<table>\n\
         <caption>{caption}</caption>\n<thead><tr>"
    );
    for column in columns {
        let class = class(Some(column));
        let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", column.head);
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for (i, row) in rows.iter().enumerate() {
        let total = i + totals >= rows.len();
        html.push_str(if total {
            "<tr class=\"total\">"
        } else {
            "<tr>"
        });
        for (j, cell) in row.iter().enumerate() {
            if j == 0 {
                let _ = write!(html, "<th scope=\"row\">{cell}</th>");
            } else {
                let _ = write!(html, "<td{}>{cell}</td>", class(columns.get(j)));
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
    html
}

/// A figure with its sentence. A wide one keeps a legible size on a phone, in a box that scrolls.
pub fn figure(figure: &Figure, caption: &str) -> String {
    let class = if figure.width() > 600.0 {
        "wide"
    } else {
        "plain"
    };
    format!(
        "<figure class=\"{class}\">\n<div class=\"box\" role=\"group\" aria-label=\"figure\" tabindex=\"0\"{}>\n\
         {}</div>\n<figcaption>{caption}</figcaption>\n</figure>\n",
        hover(figure, 1),
        figure.svg()
    )
}

/// The attribute with what a pointer can find in a figure, of whose pairs one in `every` is drawn; empty where that
/// is nothing.
pub fn hover(figure: &Figure, every: usize) -> String {
    let number = |value: f64| format!("{value:.6}");
    let json = match figure.hover() {
        None => return String::new(),
        Some(Hover::Points(points)) => {
            let (left, top, side) = points.plot;
            serde_json::json!({
                "points": [points.window.0, points.window.1, left, top, side],
                "skipped": points.skipped,
                "every": every,
            })
        }
        Some(Hover::Cells(cells)) => {
            let value = |value: &f64| value.is_finite().then(|| number(*value));
            let values = cells.values.iter().flatten().map(value);
            let values: Vec<String> = values.map(Option::unwrap_or_default).collect();
            serde_json::json!({
                "cells": [cells.left, cells.cell.0, cells.cell.1],
                "tops": cells.tops,
                "values": values.join(" "),
            })
        }
    };
    format!(" data-hover=\"{}\"", escape(&json.to_string()))
}

/// Something to unfold.
pub fn details(summary: &str, content: &str) -> String {
    format!("<details>\n<summary>{summary}</summary>\n{content}</details>\n")
}

/// A bulleted list; empty for no items.
pub fn list(items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items = items.join("</li>\n<li>");
    format!("<ul>\n<li>{items}</li>\n</ul>\n")
}

/// A name from outside for the header of a row, which may break after its separators.
pub fn name(name: &str) -> String {
    let mut html = String::new();
    for c in name.chars() {
        html.push_str(&escape(c.encode_utf8(&mut [0; 4])));
        if matches!(c, ':' | '_' | '/' | '.') {
            html.push_str("<wbr>");
        }
    }
    html
}

//! Writing SVG: shapes and texts into a string, with what came from outside escaped.

use std::fmt::{Display, Write as _};

use crate::colour::INK;
use crate::font::{FAMILY, Weight};

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its left end.
    Start,
    /// In its middle.
    Middle,
    /// At its right end.
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Height of the font, in pixels.
    pub size: f64,
    /// Regular or semi-bold.
    pub weight: Weight,
    /// The colour of its letters.
    pub colour: &'static str,
    /// Where it is held.
    pub anchor: Anchor,
}

impl Style {
    /// Regular ink, held at its left end.
    pub const fn new(size: f64) -> Self {
        Self {
            size,
            weight: Weight::Regular,
            colour: INK,
            anchor: Anchor::Start,
        }
    }

    /// The same in semi-bold.
    pub const fn bold(self) -> Self {
        Self {
            weight: Weight::SemiBold,
            ..self
        }
    }

    /// The same in another colour.
    pub const fn colour(self, colour: &'static str) -> Self {
        Self { colour, ..self }
    }

    /// The same, held elsewhere.
    pub const fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
}

/// A drawing: elements in the order they are painted.
#[derive(Debug, Default)]
pub struct Drawing {
    body: String,
}

impl Drawing {
    /// An element without content; `attributes` are written as they are.
    pub fn element(&mut self, name: &str, attributes: impl Display) {
        let _ = writeln!(self.body, "<{name} {attributes}/>");
    }

    /// Elements that share attributes.
    pub fn group(&mut self, attributes: impl Display, draw: impl FnOnce(&mut Self)) {
        let _ = writeln!(self.body, "<g {attributes}>");
        draw(self);
        self.body.push_str("</g>\n");
    }

    /// A filled rectangle.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        let (x, y, width, height) = (Px(x), Px(y), Px(width.max(0.0)), Px(height.max(0.0)));
        self.element(
            "rect",
            format_args!(r#"x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}""#),
        );
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, width: f64) {
        let (x1, y1, x2, y2) = (Px(from.0), Px(from.1), Px(to.0), Px(to.1));
        self.element(
            "line",
            format_args!(
                r#"x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{stroke}" stroke-width="{}""#,
                Px(width)
            ),
        );
    }

    /// A path; `paint` holds its fill and stroke attributes.
    pub fn path(&mut self, data: &str, paint: &str) {
        if !data.is_empty() {
            self.element("path", format_args!(r#"d="{data}" {paint}"#));
        }
    }

    /// A filled disc.
    pub fn disc(&mut self, x: f64, y: f64, radius: f64, fill: &str) {
        let (x, y, r) = (Px(x), Px(y), Px(radius));
        self.element(
            "circle",
            format_args!(r#"cx="{x}" cy="{y}" r="{r}" fill="{fill}""#),
        );
    }

    /// A ring filled with white.
    pub fn ring(&mut self, x: f64, y: f64, radius: f64, stroke: &str, width: f64) {
        let (x, y, r, width) = (Px(x), Px(y), Px(radius), Px(width));
        self.element(
            "circle",
            format_args!(
                r##"cx="{x}" cy="{y}" r="{r}" fill="#fff" stroke="{stroke}" stroke-width="{width}""##
            ),
        );
    }

    /// A diamond of half-width `radius`.
    pub fn diamond(&mut self, x: f64, y: f64, radius: f64, fill: &str) {
        let r = Px(radius);
        let data = format!("M{} {}l{r} {r}l-{r} {r}l-{r}-{r}z", Px(x), Px(y - radius));
        self.path(&data, &format!(r#"fill="{fill}""#));
    }

    /// Text whose baseline is at `y`.
    pub fn text(&mut self, x: f64, y: f64, text: &str, style: Style) {
        self.write_text(&format!(r#"x="{}" y="{}""#, Px(x), Px(y)), text, style);
    }

    /// Text turned by `degrees` (clockwise) around its anchor.
    pub fn turned_text(&mut self, x: f64, y: f64, degrees: f64, text: &str, style: Style) {
        let (x, y) = (Px(x), Px(y));
        let place = format!(r#"transform="translate({x} {y}) rotate({degrees})""#);
        self.write_text(&place, text, style);
    }

    fn write_text(&mut self, place: &str, text: &str, style: Style) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let weight = match style.weight {
            Weight::Regular => "",
            Weight::SemiBold => r#" font-weight="600""#,
        };
        let _ = writeln!(
            self.body,
            r#"<text {place} font-size="{}" fill="{}"{anchor}{weight}>{}</text>"#,
            Px(style.size),
            style.colour,
            escape(text)
        );
    }

    /// The whole document. `label` says to someone who can't see it what it shows.
    pub fn finish(self, width: f64, height: f64, label: &str) -> String {
        let (w, h) = (Px(width), Px(height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" \
             viewBox=\"0 0 {w} {h}\" font-family=\"{FAMILY}\" role=\"img\" aria-label=\"{}\">\n\
             <rect width=\"{w}\" height=\"{h}\" fill=\"#fff\"/>\n{}</svg>\n",
            escape(label),
            self.body
        )
    }
}

/// A coordinate: rounded to a tenth, which no eye can tell at any sensible scale.
#[derive(Debug, Clone, Copy)]
pub struct Px(pub f64);

impl Display for Px {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is not finite has been dealt with before; a picture that lies at its corner is
        // still better than one that no viewer opens.
        let value = if self.0.is_finite() { self.0 } else { 0.0 };
        let tenths = (value * 10.0).round() / 10.0;
        // Adding zero turns −0 into 0.
        write!(formatter, "{}", tenths + 0.0)
    }
}

/// Text for the inside of an element or of a quoted attribute of XML and HTML alike. Control
/// characters, which XML can't hold, become spaces.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_cannot_leave_their_text() {
        assert_eq!(
            escape("<b a=\"x\" b='y'>&\u{0}"),
            "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp; "
        );
    }

    #[test]
    fn coordinates_are_short_and_finite() {
        assert_eq!(Px(1.0 / 3.0).to_string(), "0.3");
        assert_eq!(Px(12.0).to_string(), "12");
        assert_eq!(Px(-0.01).to_string(), "0");
        assert_eq!(Px(f64::NAN).to_string(), "0");
    }
}

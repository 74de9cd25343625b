//! What a command prints: sentences and tables, fitted to where they are printed.

use std::ops::{Add, AddAssign};

use console::Style;

use crate::output::plain;
use crate::table::Table;
use crate::terminal::Medium;

/// Sentences and tables, in their order. Names in them come from files of any making: control characters are
/// replaced where it is rendered.
#[derive(Debug, Clone, Default)]
pub struct Page(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Strong(String),
    /// Commands to copy: their lines are not broken.
    Verbatim(String),
    Table(Table),
}

impl Page {
    /// Adds a sentence that stands out.
    pub fn strong(&mut self, sentence: &str) {
        self.0.push(Piece::Strong(sentence.to_owned()));
    }

    /// Adds lines that are not to be broken, such as commands to copy.
    pub fn verbatim(&mut self, lines: String) {
        self.0.push(Piece::Verbatim(lines));
    }

    /// The page as it is printed. Ends as its last piece does.
    pub fn rendered(&self, medium: Medium) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            text += &match piece {
                Piece::Text(text) => medium.wrapped(&plain(text)),
                Piece::Strong(text) => {
                    let lines = medium.wrapped(&plain(text));
                    let bold = |line: &str| medium.styled(line, &Style::new().bold());
                    lines.split('\n').map(bold).collect::<Vec<_>>().join("\n")
                }
                Piece::Verbatim(lines) => plain(lines).into_owned(),
                Piece::Table(table) => table.rendered(medium),
            };
        }
        text
    }
}

impl From<Table> for Page {
    fn from(table: Table) -> Self {
        Self(vec![Piece::Table(table)])
    }
}

impl From<String> for Page {
    fn from(text: String) -> Self {
        Self(vec![Piece::Text(text)])
    }
}

impl From<&String> for Page {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<&str> for Page {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl AddAssign<Page> for Page {
    fn add_assign(&mut self, other: Page) {
        self.0.extend(other.0);
    }
}

/// A text is continued by a text: a line may be put together from parts.
impl AddAssign<&str> for Page {
    fn add_assign(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Text(last)) => *last += text,
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }
}

impl AddAssign<String> for Page {
    fn add_assign(&mut self, text: String) {
        *self += text.as_str();
    }
}

impl AddAssign<&String> for Page {
    fn add_assign(&mut self, text: &String) {
        *self += text.as_str();
    }
}

impl std::fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        *self += text;
        Ok(())
    }
}

impl<T> Add<T> for Page
where
    Self: AddAssign<T>,
{
    type Output = Self;

    fn add(mut self, other: T) -> Self {
        self += other;
        self
    }
}

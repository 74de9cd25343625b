//! What the terminal can show: its width, and whether it takes colours.

use console::{Style, Term};

/// Where something is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Medium {
    /// Columns of the terminal; `None` where there is none, and lines are as long as they are.
    pub width: Option<usize>,
    /// Whether bold, dim and colours are shown.
    pub styled: bool,
}

/// Lines of fewer columns hold hardly a word: a narrower terminal breaks them itself.
const NARROWEST: usize = 30;

impl Medium {
    /// A file, a pipe, or a text to compare: whole lines and no styles.
    pub const PLAIN: Self = Self {
        width: None,
        styled: false,
    };

    /// Standard output.
    pub fn stdout() -> Self {
        Self::of(&Term::stdout(), console::colors_enabled())
    }

    /// Standard error.
    pub fn stderr() -> Self {
        Self::of(&Term::stderr(), console::colors_enabled_stderr())
    }

    /// `NO_COLOR` and `CLICOLOR` decide on styles as they do elsewhere.
    fn of(term: &Term, colours: bool) -> Self {
        if !term.is_term() {
            return Self::PLAIN;
        }
        let columns = term.size_checked().map(|(_, columns)| usize::from(columns));
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            width: columns.filter(|columns| *columns >= NARROWEST),
            styled: colours
                && !no_colour
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        }
    }

    /// A text in a style, where there are any.
    pub fn styled(self, text: &str, style: &Style) -> String {
        if !self.styled || text.is_empty() {
            return text.to_owned();
        }
        style.clone().force_styling(true).apply_to(text).to_string()
    }

    /// A text whose lines are broken at spaces, so that no word is. Further lines of a line that begins with spaces
    /// are indented as it is, and two more.
    pub fn wrapped(self, text: &str) -> String {
        let Some(width) = self.width else {
            return text.to_owned();
        };
        let lines: Vec<String> = text.split('\n').map(|line| wrapped(line, width)).collect();
        lines.join("\n")
    }
}

fn wrapped(line: &str, width: usize) -> String {
    if console::measure_text_width(line) <= width {
        return line.to_owned();
    }
    let content = line.trim_start_matches(' ');
    let indent = &line[..line.len() - content.len()];
    let further = format!("{indent}  ");
    let options = textwrap::Options::new(width)
        .initial_indent(indent)
        .subsequent_indent(&further)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    // A number and its per cent sign stay together.
    let together = content.replace(" %", "\u{a0}%");
    textwrap::fill(&together, options).replace("\u{a0}%", " %")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: Medium = Medium {
        width: Some(30),
        styled: false,
    };

    #[test]
    fn lines_break_between_words_and_words_do_not_break() {
        let text = "Written: a/folder/of/many/letters/and-hyphens, another\n  help: with an indent of its own, kept";
        let wrapped = NARROW.wrapped(text);
        let words = |text: &str| {
            text.split_whitespace()
                .map(String::from)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&wrapped), words(text));
        assert_eq!(
            wrapped,
            "Written:\n  a/folder/of/many/letters/and-hyphens,\n  another\n  help: with an indent of its\n    \
             own, kept"
        );
        assert_eq!(Medium::PLAIN.wrapped(text), text);
        assert_eq!(
            NARROW.wrapped("a number is not parted fr 12.5 % of it"),
            "a number is not parted fr\n  12.5 % of it"
        );
    }

    #[test]
    fn styles_do_not_count_as_columns() {
        let bold = Medium {
            styled: true,
            ..NARROW
        };
        let text = bold.styled("exactly thirty columns wide, .", &Style::new().bold());
        assert_eq!(bold.wrapped(&text), text);
        assert!(text.starts_with('\u{1b}') && NARROW.styled("a", &Style::new().bold()) == "a");
    }
}

//! Standard output and standard error. A closed pipe is no reason to fail; a full disk is.

use std::borrow::Cow;
use std::io::{ErrorKind, Write};

use console::Style;

use crate::failure::Failure;
use crate::page::Page;
use crate::still_working;
use crate::terminal::Medium;

/// Prints a page for people on standard output, in lines that fit a terminal. Names come from files of any making:
/// control characters in them, which a terminal would obey, become U+FFFD.
pub fn print(page: impl Into<Page>) -> Result<(), Failure> {
    print_as_it_is(&page.into().rendered(Medium::stdout()))
}

/// Prints JSON on standard output. Control characters that a terminal would obey become escapes of what they are.
pub fn print_json(json: &str) -> Result<(), Failure> {
    print_as_it_is(&escaped(json))
}

fn escaped(json: &str) -> Cow<'_, str> {
    if !json.contains(is_obeyed) {
        return Cow::Borrowed(json);
    }
    // The rest of the control characters are escaped in JSON already, and these are in strings only.
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_obeyed(c) {
            escaped += &format!("\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a terminal does something else with a character than to show it.
fn is_obeyed(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// A text without control characters but line breaks and tabs.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(is_obeyed) {
        let shown = text
            .chars()
            .map(|c| if is_obeyed(c) { '\u{fffd}' } else { c });
        return Cow::Owned(shown.collect());
    }
    Cow::Borrowed(text)
}

/// Prints a block on standard output as it is: a file's content, or what a terminal is to obey.
pub fn print_as_it_is(text: &str) -> Result<(), Failure> {
    still_working::said();
    let mut out = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(end.as_bytes()))
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::refused(format!(
            "standard output can't be written: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Prints a line on standard error.
pub fn eprint_line(text: &str) {
    eprint(text, Medium::stderr());
}

fn eprint(text: &str, medium: Medium) {
    still_working::said();
    let lines = medium.wrapped(&plain(text));
    let _ = writeln!(std::io::stderr().lock(), "{}", labelled(&lines, medium));
}

/// Lines of which the word that says what they are stands out: `error:`, `warning:`, `note:`, `help:`.
fn labelled(lines: &str, medium: Medium) -> String {
    if !medium.styled {
        return lines.to_owned();
    }
    let styles = [
        ("error:", Style::new().red().bold()),
        ("warning:", Style::new().yellow().bold()),
        ("note:", Style::new().cyan()),
        ("help:", Style::new().green()),
    ];
    let line = |line: &str| {
        let content = line.trim_start();
        let indent = &line[..line.len() - content.len()];
        let label = styles.iter().find(|(label, _)| content.starts_with(label));
        label.map_or_else(
            || line.to_owned(),
            |(label, style)| {
                format!(
                    "{indent}{}{}",
                    medium.styled(label, style),
                    &content[label.len()..]
                )
            },
        )
    };
    lines.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Prints warnings on standard error, one line each: reasons not to trust a result.
pub fn warnings(warnings: &[String]) {
    for warning in warnings {
        eprint_line(&format!("warning: {warning}"));
    }
}

/// Prints notes on standard error, one line each: what was read in another way than one might expect.
pub fn notices(notices: &[String]) {
    for notice in notices {
        eprint_line(&format!("note: {notice}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_characters_and_json_says_what_they_are() {
        assert_eq!(plain("a\u{1b}]0;x\u{7}\tb\n"), "a\u{fffd}]0;x\u{fffd}\tb\n");
        let json = serde_json::json!({"a\u{9b}\u{7f}\u{1b}": 1}).to_string();
        let printed = escaped(&json);
        assert!(!printed.contains(is_obeyed), "{printed}");
        let read: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(read["a\u{9b}\u{7f}\u{1b}"], 1);
    }

    #[test]
    fn labels_of_lines_stand_out_where_styles_are_shown() {
        let styled = Medium {
            width: None,
            styled: true,
        };
        let lines = labelled(
            "error: a file\n  help: mend it: error: is no label here",
            styled,
        );
        assert_eq!(lines.matches('\u{1b}').count(), 5, "{lines:?}");
        assert!(lines.contains("\n  \u{1b}"), "{lines:?}");
        assert_eq!(labelled("error: a", Medium::PLAIN), "error: a");
    }
}

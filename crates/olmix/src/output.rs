//! Standard output and standard error. A closed pipe is no reason to fail; a full disk is.

use std::borrow::Cow;
use std::io::{ErrorKind, Write};

use crate::failure::Failure;
use crate::still_working;

/// Prints a block for people, or JSON, on standard output. Names come from files of any making: control
/// characters in them, which a terminal would obey, become U+FFFD, and in JSON escapes of what they are.
pub fn print(text: &str) -> Result<(), Failure> {
    print_as_it_is(&shown(text))
}

fn shown(text: &str) -> Cow<'_, str> {
    // The rest of the control characters are escaped in JSON already, and these are in strings only.
    if text.starts_with(['{', '[']) && text.contains(is_obeyed) {
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            if is_obeyed(c) {
                escaped += &format!("\\u{:04x}", u32::from(c));
            } else {
                escaped.push(c);
            }
        }
        return Cow::Owned(escaped);
    }
    plain(text)
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
    still_working::said();
    let _ = writeln!(std::io::stderr().lock(), "{}", plain(text));
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
        assert_eq!(shown("a\u{1b}]0;x\u{7}\tb\n"), "a\u{fffd}]0;x\u{fffd}\tb\n");
        let json = serde_json::json!({"a\u{9b}\u{7f}\u{1b}": 1}).to_string();
        let printed = shown(&json);
        assert!(!printed.contains(is_obeyed), "{printed}");
        let read: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(read["a\u{9b}\u{7f}\u{1b}"], 1);
    }
}

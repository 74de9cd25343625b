//! Standard output and standard error. A closed pipe is no reason to fail; a full disk is.

use std::borrow::Cow;
use std::io::{ErrorKind, Write};

use crate::failure::Failure;

/// Prints a block for people, or a line of JSON, on standard output. Names come from files of any making: control
/// characters in them, which a terminal would obey, become U+FFFD.
pub fn print(text: &str) -> Result<(), Failure> {
    print_as_it_is(&plain(text))
}

/// A text without control characters but line breaks and tabs.
pub fn plain(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(obeyed) {
        let shown = text.chars().map(|c| if obeyed(c) { '\u{fffd}' } else { c });
        return Cow::Owned(shown.collect());
    }
    Cow::Borrowed(text)
}

/// Prints a block on standard output as it is: a file's content, or what a terminal is to obey.
pub fn print_as_it_is(text: &str) -> Result<(), Failure> {
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

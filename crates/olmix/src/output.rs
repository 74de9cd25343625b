//! Standard output and standard error. A closed pipe is no reason to fail.

use std::io::Write;

/// Prints a block on standard output.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
}

/// Prints a line on standard error.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints what the user should know, one line each.
pub fn notices(notices: &[String]) {
    for notice in notices {
        complain(&format!("note: {notice}"));
    }
}

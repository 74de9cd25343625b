//! The log of a run: what its commands print, attempt by attempt.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// The file of a run's log in its folder.
pub const FILE: &str = "log.txt";

/// How the line before each command begins.
const BEGIN: &str = "=== ";

/// Lines of a log that the ledger keeps of a failure, and their bytes at most.
const TAIL_LINES: usize = 20;
const TAIL_BYTES: u64 = 8192;

/// Opens a log to append to, and writes the line that a command begins with.
///
/// # Errors
/// What the operating system said.
pub fn begin(folder: &Path, line: &str) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(folder.join(FILE))?;
    let line = line.replace('\n', " ");
    // An attempt that was killed may have left half a line.
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let break_before = if last == [b'\n'] { "" } else { "\n" };
    writeln!(file, "{break_before}{BEGIN}{line}")?;
    Ok(file)
}

/// The last lines of what the latest command printed.
#[must_use]
pub fn tail(folder: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(folder.join(FILE))?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let mut lines: Vec<&str> = text
        .lines()
        .rev()
        .take_while(|line| !line.starts_with(BEGIN))
        // Of a progress bar, what it showed last.
        .map(|line| {
            line.rsplit('\r')
                .find(|part| !part.is_empty())
                .unwrap_or("")
        })
        .filter(|line| !line.trim().is_empty())
        .take(TAIL_LINES)
        .collect();
    lines.reverse();
    lines.join("\n")
}

/// The line of a tail that says best what went wrong: the last that speaks of an error, or the last.
#[must_use]
pub fn telling_line(tail: &str) -> Option<String> {
    const MOST: usize = 200;
    let speaks = |line: &&str| {
        let line = line.to_ascii_lowercase();
        line.contains("error") || line.contains("exception") || line.contains("panicked")
    };
    let line = tail.lines().rev().find(speaks);
    let line = line.or_else(|| tail.lines().next_back())?.trim();
    let mut short: String = line.chars().take(MOST).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    Some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_of_the_latest_command() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(tail(folder.path()), "");
        let mut file = begin(folder.path(), "attempt 1").unwrap();
        write!(file, "one\nhalf a li").unwrap();
        let mut file = begin(folder.path(), "attempt 2\nof two lines").unwrap();
        assert_eq!(tail(folder.path()), "");
        write!(file, "error: bad\n\n 10 %\r 20 %\r").unwrap();
        assert_eq!(tail(folder.path()), "error: bad\n 20 %");
        assert_eq!(telling_line(&tail(folder.path())).unwrap(), "error: bad");
        for i in 0..1000 {
            writeln!(file, "line {i}").unwrap();
        }
        let tail = tail(folder.path());
        assert_eq!(tail.lines().count(), TAIL_LINES);
        assert_eq!(telling_line(&tail).unwrap(), "line 999");
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(
            text.starts_with("=== attempt 1\none\nhalf a li\n=== attempt 2 of two lines\nerror")
        );
    }
}

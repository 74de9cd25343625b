//! How much is read into memory at once: bounds that a file of any making keeps to.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A bound on what is read, in bytes, which a variable of the environment sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The variable: a number of bytes, or one with `K`, `M` or `G` behind it (powers of 1024).
    pub variable: &'static str,
    /// Bytes where it is not set.
    pub default: u64,
}

/// A document: a line of JSON Lines, or a file of plain text; as it is after decompression.
pub const DOCUMENT: Bound = Bound {
    variable: "OLMIX_MAX_DOCUMENT",
    default: 128 << 20,
};

/// A file that is read whole: tables, mixtures, tokenizers, results of evaluations.
pub const FILE: Bound = Bound {
    variable: "OLMIX_MAX_FILE",
    default: 512 << 20,
};

impl Bound {
    /// Both.
    pub const ALL: [Self; 2] = [DOCUMENT, FILE];

    /// The bound in bytes. What the variable holds and is no size counts as not set; see [`Bound::check`].
    #[must_use]
    pub fn bytes(self) -> u64 {
        let set = std::env::var(self.variable).ok();
        set.and_then(|text| size(&text)).unwrap_or(self.default)
    }

    /// Refuses a variable that is set to what is no size.
    ///
    /// # Errors
    /// What is wrong and what to do, as one sentence.
    pub fn check(self) -> Result<(), String> {
        let Some(text) = std::env::var_os(self.variable) else {
            return Ok(());
        };
        let text = text.to_string_lossy();
        match size(&text) {
            Some(_) => Ok(()),
            None => Err(format!(
                "{} is {text:?}, which is no size: give bytes above 0, such as {}M",
                self.variable,
                self.default >> 20
            )),
        }
    }

    /// What to do where it is exceeded.
    #[must_use]
    pub fn help(self) -> String {
        format!(
            "check that it is the file you meant; {} sets another bound, such as {}M",
            self.variable,
            (self.default >> 20) * 4
        )
    }
}

/// A number of bytes above 0: `4096`, `64K`, `256M`, `2G`.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, shift) = match text.as_bytes().last()? {
        b'K' | b'k' => (&text[..text.len() - 1], 10),
        b'M' | b'm' => (&text[..text.len() - 1], 20),
        b'G' | b'g' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(1 << shift).filter(|&bytes| bytes > 0)
}

/// Reads a file whole, up to [`FILE`]; a device that has no end is read up to there, too.
///
/// # Errors
/// What the operating system said; [`io::ErrorKind::FileTooLarge`] with the bound and its variable.
pub fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let limit = FILE.bytes();
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!(
                "it is larger than {limit} bytes; {} sets another bound",
                FILE.variable
            ),
        ));
    }
    Ok(bytes)
}

/// [`read_bounded`], for a file of UTF-8 text.
///
/// # Errors
/// As [`read_bounded`]; [`io::ErrorKind::InvalidData`] for what is no UTF-8.
pub fn read_text_bounded(path: &Path) -> io::Result<String> {
    let invalid = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text");
    String::from_utf8(read_bounded(path)?).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_powers_of_1024() {
        for (text, bytes) in [
            ("1", Some(1)),
            (" 4096 ", Some(4096)),
            ("64K", Some(64 << 10)),
            ("256m", Some(256 << 20)),
            ("2G", Some(2 << 30)),
            ("0", None),
            ("", None),
            ("G", None),
            ("-1", None),
            ("+1", None),
            ("1.5G", None),
            ("é", None),
            ("99999999999G", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }
}

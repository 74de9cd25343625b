//! Whole input files, with the hash that identifies their content.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use olmix_fs::FILE;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{IoError, Location};

/// Bytes that are read at a time.
const PART: u64 = 1 << 20;

/// A file that went into a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRecord {
    /// What it was used as: `config`, `ratios`, `metrics` or `metrics metadata`, also of an earlier swarm.
    pub role: String,
    /// Its path, as the user gave it.
    pub path: String,
    /// SHA-256 of its bytes, 64 hex digits.
    pub sha256: String,
}

/// A file as it was read.
pub(crate) struct InputFile {
    /// Its path, as the user gave it.
    pub name: String,
    bytes: Vec<u8>,
}

impl InputFile {
    /// Reads a file whole; `limit` bounds its size in bytes, for kinds of files that are small. Others are bounded
    /// by [`FILE`].
    ///
    /// All are text: after a zero byte nothing more is read, and [`InputFile::text`] refuses it.
    pub fn read(path: &Path, limit: Option<u64>) -> Result<Self, IoError> {
        let name = path.display().to_string();
        let failed = |error| IoError::read(path, &error);
        let mut bytes = Vec::new();
        if fs::metadata(path).map_err(failed)?.is_dir() {
            return Err(failed(std::io::ErrorKind::IsADirectory.into()));
        }
        let mut file = File::open(path).map_err(failed)?;
        let (most, help) = match limit {
            Some(limit) => (limit, "check that it is the file you meant".to_owned()),
            None => (FILE.bytes(), FILE.help()),
        };
        let mut seen = 0;
        loop {
            let part = (&mut file).take(PART.min(most.saturating_add(1) - seen as u64));
            let read = { part }.read_to_end(&mut bytes).map_err(failed)?;
            let new = bytes.get(seen..).unwrap_or_default();
            if read == 0 || new.contains(&0) {
                break;
            }
            seen = bytes.len();
            if seen as u64 > most {
                return Err(IoError::input(
                    name,
                    Location::File,
                    format!("the file is larger than {most} bytes"),
                    help,
                ));
            }
        }
        Ok(Self { name, bytes })
    }

    /// A file whose content is at hand; `name` is what messages call it.
    pub fn of(name: &str, bytes: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            bytes,
        }
    }

    /// The content as text, without a byte order mark.
    pub fn text(&self) -> Result<&str, IoError> {
        let bytes = self
            .bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.bytes);
        let refuse = |at: usize, what: &str| {
            let before = bytes.get(..at).unwrap_or_default();
            let line = before.split(|&byte| byte == b'\n').count() as u64;
            Err(IoError::input(
                self.name.clone(),
                Location::Line(line),
                format!("not a text file: {what}"),
                "give a text file in UTF-8; if this is one in another encoding, convert it",
            ))
        };
        if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
            return refuse(at, "it holds a zero byte");
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(error) => refuse(error.valid_up_to(), "it holds bytes that are not UTF-8"),
        }
    }

    /// Its entry in a result.
    pub fn record(&self, role: &str) -> InputRecord {
        InputRecord {
            role: role.to_owned(),
            path: self.name.clone(),
            sha256: sha256_hex(&self.bytes),
        }
    }
}

/// Greatest size of configs in bytes: a thousand leaves, each with its paths, stay far below.
pub(crate) const MAX_CONFIG_BYTES: u64 = 64 << 20;

/// Reads a config of at most `limit` bytes and parses it; its record comes with it. `parse` gets the file's name
/// (for messages), its text, and the folder where its relative paths start.
pub(crate) fn read_config<T>(
    path: &Path,
    limit: u64,
    parse: impl FnOnce(&str, &str, &Path) -> Result<T, IoError>,
) -> Result<(T, InputRecord), IoError> {
    let input = InputFile::read(path, Some(limit))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let config = parse(&input.name, input.text()?, folder)?;
    Ok((config, input.record("config")))
}

/// SHA-256 as 64 lowercase hex digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as lowercase hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_hex_matches_the_published_digest_of_abc() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), expected);
    }

    #[test]
    fn a_file_that_is_not_text_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        for (bytes, what) in [
            (
                &b"run,a\nx,\xff\n"[..],
                ":2: not a text file: it holds bytes",
            ),
            (&b"PK\0\0"[..], ":1: not a text file: it holds a zero byte"),
        ] {
            fs::write(&path, bytes).unwrap();
            let file = InputFile::read(&path, None).unwrap();
            let message = file.text().unwrap_err().to_string();
            assert!(message.contains(what), "{message}");
        }
        fs::write(&path, b"\xef\xbb\xbfrun,a").unwrap();
        let file = InputFile::read(&path, None).unwrap();
        assert_eq!(file.text().unwrap(), "run,a");
    }

    #[test]
    fn input_errors_distinguish_a_missing_file_a_folder_and_a_file_too_large() {
        let folder = tempfile::tempdir().unwrap();
        let message = |path: &Path, limit| match InputFile::read(path, limit) {
            Ok(_) => panic!("read {}", path.display()),
            Err(error) => error.to_string(),
        };
        let missing = message(&folder.path().join("none.csv"), None);
        assert!(missing.contains("none.csv: can't be read"), "{missing}");
        assert!(missing.contains("there is no such file"), "{missing}");
        assert!(message(folder.path(), None).contains("this is a folder"));
        let path = folder.path().join("big");
        fs::write(&path, [b'a'; 11]).unwrap();
        assert!(message(&path, Some(10)).contains("larger than 10 bytes"));
        assert!(InputFile::read(&path, Some(11)).is_ok());
        // A device without an end has its end at the first zero byte.
        if Path::new("/dev/zero").exists() {
            let endless = InputFile::read(Path::new("/dev/zero"), None).unwrap();
            let message = endless.text().unwrap_err().to_string();
            assert!(message.contains("it holds a zero byte"), "{message}");
        }
    }
}

//! Checksums of files in their folder, in the form that `sha256sum --check` reads.

use std::path::Path;

use crate::error::IoError;
use crate::input::{InputRecord, sha256_hex};

/// The file of checksums in a folder.
pub const CHECKSUMS: &str = "checksums.sha256";

/// The checksums of a folder's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checksums {
    text: String,
}

impl Checksums {
    /// The checksums of files with these names.
    #[must_use]
    pub fn of(files: &[(&str, &[u8])]) -> Self {
        let line = |(name, bytes): &(&str, &[u8])| format!("{}  {name}\n", sha256_hex(bytes));
        Self {
            text: files.iter().map(line).collect(),
        }
    }

    /// As they are written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Those of a folder; `None` where there is no such file.
    ///
    /// # Errors
    /// [`IoError::Read`] when there is one that can't be read.
    pub fn read(folder: &Path) -> Result<Option<Self>, IoError> {
        let file = folder.join(CHECKSUMS);
        match std::fs::read(&file) {
            // What is no text has no checksum of any file, so that none is what it was.
            Ok(bytes) => Ok(Some(Self {
                text: String::from_utf8_lossy(&bytes).into_owned(),
            })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(IoError::read(&file, &error)),
        }
    }

    /// The checksum of a file, if there is one.
    #[must_use]
    pub fn of_file(&self, name: &str) -> Option<&str> {
        let mut lines = self.text.lines();
        lines.find_map(|line| line.strip_suffix(name)?.strip_suffix("  "))
    }

    /// Whether these are the checksums of a file with these bytes.
    #[must_use]
    pub fn agree(&self, name: &str, bytes: &[u8]) -> bool {
        self.of_file(name) == Some(&sha256_hex(bytes))
    }

    /// Those of a folder in which `files` are written anew; lines of other files stay.
    ///
    /// # Errors
    /// As [`Checksums::read`].
    pub fn updated(folder: &Path, files: &[(&str, &[u8])]) -> Result<Self, IoError> {
        let earlier = Self::read(folder)?.unwrap_or_default();
        let is_new = |line: &&str| {
            let name = line.split_once("  ").map(|(_, name)| name);
            files.iter().any(|(new, _)| Some(*new) == name)
        };
        let mut text = String::new();
        for line in earlier.text.lines().filter(|line| !is_new(line)) {
            text += line;
            text.push('\n');
        }
        text += &Self::of(files).text;
        Ok(Self { text })
    }
}

/// What is to be said of a file of olmix's that people may edit, and that is not what its folder's checksums say; of
/// a folder without, nothing.
///
/// # Errors
/// As [`Checksums::read`].
pub(crate) fn changed(record: &InputRecord) -> Result<Option<String>, IoError> {
    let path = Path::new(&record.path);
    let folder = path.parent().unwrap_or(Path::new(""));
    let (Some(sums), Some(name)) = (Checksums::read(folder)?, path.file_name()) else {
        return Ok(None);
    };
    let written = sums.of_file(&name.to_string_lossy());
    if written.is_none_or(|sum| sum == record.sha256) {
        return Ok(None);
    }
    Ok(Some(format!(
        "{} is not as olmix wrote it: its checksum is another than in {}; if it was changed on purpose, remove its \
         line there",
        record.path,
        folder.join(CHECKSUMS).display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_files_written_anew_take_the_place_of_theirs_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let write = |sums: &Checksums| std::fs::write(at.join(CHECKSUMS), sums.bytes()).unwrap();
        write(
            &Checksums::updated(at, &[("ratios.csv", b"1"), ("other-ratios.csv", b"2")]).unwrap(),
        );
        write(&Checksums::updated(at, &[("ratios.csv", b"3"), ("metrics.csv", b"4")]).unwrap());
        let sums = Checksums::read(at).unwrap().unwrap();
        let files: [(&str, &[u8]); 3] = [
            ("other-ratios.csv", b"2"),
            ("ratios.csv", b"3"),
            ("metrics.csv", b"4"),
        ];
        assert_eq!(sums, Checksums::of(&files));
        assert!(sums.agree("ratios.csv", b"3") && !sums.agree("ratios.csv", b"1"));
    }

    #[test]
    fn a_file_that_was_changed_is_told_until_its_line_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ratios.csv");
        let told = |bytes: &[u8]| {
            changed(&InputRecord {
                role: "ratios".into(),
                path: path.display().to_string(),
                sha256: sha256_hex(bytes),
            })
            .unwrap()
        };
        assert_eq!(told(b"edited"), None);
        let sums = Checksums::of(&[("ratios.csv", b"written"), ("metrics.csv", b"x")]);
        std::fs::write(folder.path().join(CHECKSUMS), sums.bytes()).unwrap();
        assert_eq!(told(b"written"), None);
        let said = told(b"edited").unwrap();
        assert!(
            said.contains("ratios.csv is not as olmix wrote it"),
            "{said}"
        );
        let sums = Checksums::of(&[("metrics.csv", b"x")]);
        std::fs::write(folder.path().join(CHECKSUMS), sums.bytes()).unwrap();
        assert_eq!(told(b"edited"), None);
    }
}

//! Checksums of the files of a folder, in the form that `sha256sum --check` reads: a bit that a disk or a copy
//! turned over is found before it is trained on.
//!
//! A folder that an earlier version wrote has none, and its files are taken as they are.

use std::path::Path;

pub use olmix_io::{CHECKSUMS as FILE, Checksums};

use crate::ProxyError;

/// Refuses a file that is not what it was when it was written.
///
/// # Errors
/// [`ProxyError::Input`] that names the file.
pub fn check(sums: &Checksums, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), ProxyError> {
    if sums.agree(name, bytes) {
        return Ok(());
    }
    Err(ProxyError::input(
        &folder.join(name),
        format!("is damaged: its checksum is not the one in {FILE}"),
        "bits were changed after it was written: restore the file from a copy, or remove the run's folder \
         to start it anew; and check the disk",
    ))
}

/// Reads a file of a folder; where the folder has checksums, the file must be what it was.
///
/// # Errors
/// [`ProxyError::File`], and [`ProxyError::Input`] for one that is damaged.
pub fn read_checked(folder: &Path, name: &str) -> Result<Vec<u8>, ProxyError> {
    let file = folder.join(name);
    let bytes = std::fs::read(&file).map_err(|error| ProxyError::unreadable(&file, &error))?;
    if let Some(sums) = Checksums::read(folder)? {
        check(&sums, folder, name, &bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_file_and_of_its_checksum_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let files: [(&str, &[u8]); 2] = [("a.bin", b"some bytes"), ("other-a.bin", b"")];
        let sums = Checksums::of(&files);
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        std::fs::write(folder.path().join(FILE), sums.bytes()).unwrap();
        assert_eq!(read_checked(folder.path(), "a.bin").unwrap(), files[0].1);
        assert!(read_checked(folder.path(), "other-a.bin").is_ok());
        let flip = |name: &str, bit: usize| {
            let mut bytes = std::fs::read(folder.path().join(name)).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(folder.path().join(name), bytes).unwrap();
        };
        for bit in 0..8 * files[0].1.len() {
            flip("a.bin", bit);
            let message = read_checked(folder.path(), "a.bin")
                .unwrap_err()
                .to_string();
            assert!(message.contains("a.bin: is damaged"), "{message}");
            flip("a.bin", bit);
        }
        // The line of `a.bin`, with its name and its end.
        for bit in 0..8 * (64 + 2 + 6) {
            flip(FILE, bit);
            assert!(read_checked(folder.path(), "a.bin").is_err(), "bit {bit}");
            flip(FILE, bit);
        }
        assert!(read_checked(folder.path(), "a.bin").is_ok());
    }

    #[test]
    fn sha256sum_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.bin"), b"abc").unwrap();
        let sums = Checksums::of(&[("a.bin", b"abc")]);
        std::fs::write(folder.path().join(FILE), sums.bytes()).unwrap();
        let done = std::process::Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", FILE])
            .current_dir(folder.path())
            .status();
        match done {
            Ok(status) => assert!(status.success()),
            Err(error) => eprintln!("skipped, without sha256sum: {error}"),
        }
    }
}

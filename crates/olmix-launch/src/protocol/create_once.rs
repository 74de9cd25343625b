//! Files of which several processes, on several machines, try to be the first to make them.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::host::process;

/// Makes a file with all its content, unless there is one: `false` then. Of several that try at once, on
/// whatever machines, exactly one gets `true`. A reader sees the file whole, where the filesystem has
/// hard links.
///
/// # Errors
/// What the operating system said.
pub fn create_once(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let own = format!(".{name}.{}.{}", process::this().host, std::process::id());
    let half = path.with_file_name(own);
    let mut file = File::create(&half)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let made = match fs::hard_link(&half, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // A filesystem without hard links: a reader may then see it before it has its content, and takes
        // it for used.
        Err(_) => match File::create_new(path) {
            Ok(mut file) => file
                .write_all(bytes)
                .and_then(|()| file.sync_all())
                .map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        },
    };
    let _ = fs::remove_file(&half);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn create_once_keeps_the_first_content_and_leaves_no_half_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claim");
        assert!(create_once(&path, b"one").unwrap());
        assert!(!create_once(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

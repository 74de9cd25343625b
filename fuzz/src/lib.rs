//! What fuzz targets share: a folder for the files of one input, in memory where there is /dev/shm.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder of this process. It is emptied by [`fresh`], and removed by the system or `fuzz/run.sh`.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = root.join(format!("olmix-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for inputs");
        folder
    })
}

/// An empty folder with this name.
pub fn fresh(name: &str) -> PathBuf {
    let folder = folder().join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for an input");
    folder
}

/// Writes a file, whose folder is there, and returns its path.
pub fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file for an input");
    path
}

/// Splits an input into the index of one of `names`, chosen by its first byte, and the rest.
pub fn choose<'d, 'n>(data: &'d [u8], names: &[&'n str]) -> Option<(&'n str, &'d [u8])> {
    let (first, rest) = data.split_first()?;
    Some((names[usize::from(*first) % names.len()], rest))
}

/// An error must say something. (The command line takes control characters out where it prints.)
pub fn said<T, E: std::fmt::Display>(result: Result<T, E>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error without a message");
            None
        }
    }
}

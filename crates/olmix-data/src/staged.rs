//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::DataError;

/// A file that is being written; dropped before [`Staged::commit`] it leaves no trace.
#[derive(Debug)]
pub(crate) struct Staged(BufWriter<NamedTempFile>);

impl Staged {
    /// Opens one in a folder that is on the same disk as what it will be.
    pub fn new(folder: &Path) -> Result<Self, DataError> {
        let mut builder = Builder::new();
        builder.prefix(".olmix-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder);
        let file = file.map_err(|error| failed(folder, &error))?;
        Ok(Self(BufWriter::with_capacity(1 << 20, file)))
    }

    /// Puts it in its place, for good.
    pub fn commit(self, target: &Path) -> Result<(), DataError> {
        let told = |error: &io::Error| failed(target, error);
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| told(&error))?;
        let file = self.0.into_inner().map_err(|error| told(error.error()))?;
        file.as_file().sync_all().map_err(|error| told(&error))?;
        file.persist(target).map_err(|error| told(&error.error))?;
        #[cfg(unix)]
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| told(&error))?;
        Ok(())
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes a file whole; `folder` is where it is written before.
pub(crate) fn write_whole(folder: &Path, target: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let mut file = Staged::new(folder)?;
    file.write_all(bytes)
        .map_err(|error| failed(target, &error))?;
    file.commit(target)
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), DataError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

/// What the operating system said when something could not be written.
pub(crate) fn failed(path: &Path, error: &io::Error) -> DataError {
    DataError::File {
        path: path.display().to_string(),
        problem: format!("can't be written: {error}"),
        help: "make room or choose another --output; run again, it goes on where it stopped"
            .to_owned(),
    }
}

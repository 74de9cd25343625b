//! Files from and to an object store: large ones in parts, so that no request has to last longer than a
//! store or a client allows.
//!
//! An object appears under its name when all its parts are there: what was uploaded in part is nothing that
//! a reader sees.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use futures_util::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{Error, GetOptions, GetResult, ObjectStoreExt as _, WriteMultipart};
use olmix_fs::AtomicFile;

use super::{Storage, error};
use crate::LaunchError;

/// Bytes above which a file is uploaded in parts, and downloaded in ranges of this many.
const LARGE: u64 = 16 << 20;

/// Least bytes of a part.
const PART_SIZE: u64 = 8 << 20;

/// Most parts of an object: S3's limit, the lowest of all.
const MAX_PARTS: u64 = 10_000;

/// Most parts that are on their way at once.
const PARTS_IN_FLIGHT: usize = 4;

/// How often a download begins anew because its object was written meanwhile.
const MAX_CHANGES: usize = 5;

impl Storage {
    /// Downloads one object to a file, whole or not at all. `false` where there is none.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store or the operating system said.
    pub fn download(&self, name: &str, path: &Path) -> Result<bool, LaunchError> {
        let key = self.key(name)?;
        let failed = |error: io::Error| {
            LaunchError::refused(
                format!("{}: {error}", path.display()),
                "make room there, or correct its permissions",
            )
        };
        let parent = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed)?;
        let mut changes = 0;
        loop {
            let mut file = AtomicFile::create_in(parent).map_err(|error| failed(error.error))?;
            match self.block_on(self.fetch(&key, &mut file)) {
                Ok(Ok(())) => {
                    file.commit(path).map_err(|error| failed(error.error))?;
                    return Ok(true);
                }
                Ok(Err(error)) => return Err(failed(error)),
                Err(Error::NotFound { .. }) => return Ok(false),
                // Its ranges would be of two objects.
                Err(Error::Precondition { .. }) if changes < MAX_CHANGES => changes += 1,
                Err(error) => return Err(error::refused(self.url(), &error)),
            }
        }
    }

    /// Writes an object to a file: at once, or range by range of one version.
    async fn fetch(&self, key: &Key, file: &mut AtomicFile) -> Result<io::Result<()>, Error> {
        let whole = self.store().get(key).await?;
        let (size, version) = (whole.meta.size, whole.meta.e_tag.clone());
        if size <= LARGE {
            return copy(whole, file).await;
        }
        drop(whole);
        let mut begin = 0;
        while begin < size {
            let end = size.min(begin + LARGE);
            let options = GetOptions {
                range: Some((begin..end).into()),
                if_match: version.clone(),
                ..GetOptions::default()
            };
            let range = self.store().get_opts(key, options).await?;
            if let Err(error) = copy(range, file).await? {
                return Ok(Err(error));
            }
            begin = end;
        }
        Ok(Ok(()))
    }

    /// Uploads a file. `false` where it went away meanwhile.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store or the operating system said.
    pub(super) fn upload(&self, name: &str, path: &Path) -> Result<bool, LaunchError> {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Ok(false),
            _ => Err(LaunchError::refused(
                format!("{}: {error}", path.display()),
                "correct its permissions",
            )),
        };
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, mut file) = match opened {
            Ok(opened) => opened,
            Err(error) => return unreadable(error),
        };
        if length <= LARGE {
            let mut bytes = Vec::new();
            // One that grows is uploaded again.
            return match file.take(length).read_to_end(&mut bytes) {
                Ok(_) => self.put(name, &bytes).map(|()| true),
                Err(error) => unreadable(error),
            };
        }
        let key = self.key(name)?;
        match self.block_on(self.send(&key, &mut file, length)) {
            Ok(Ok(())) => Ok(true),
            Ok(Err(error)) => unreadable(error),
            Err(error) => Err(error::refused(self.url(), &error)),
        }
    }

    /// Uploads the first `length` bytes of a file in parts. Of an upload that fails the store is asked to forget
    /// the parts.
    async fn send(&self, key: &Key, file: &mut File, length: u64) -> Result<io::Result<()>, Error> {
        let upload = self.store().put_multipart(key).await?;
        let size = usize::try_from(part_size(length)).unwrap_or(usize::MAX);
        let mut parts = WriteMultipart::new_with_chunk_size(upload, size);
        match send_parts(&mut parts, &mut file.take(length), size).await {
            Ok(Ok(())) => parts.finish().await.map(|_| Ok(())),
            failed => {
                // The store may not answer this either; what counts is why it failed.
                let _ = parts.abort().await;
                failed
            }
        }
    }
}

/// Bytes of a part of a file.
fn part_size(length: u64) -> u64 {
    PART_SIZE.max(length.div_ceil(MAX_PARTS))
}

async fn send_parts(
    parts: &mut WriteMultipart,
    file: &mut impl io::Read,
    size: usize,
) -> Result<io::Result<()>, Error> {
    let mut bytes = vec![0; size];
    loop {
        match file.read(&mut bytes) {
            Ok(0) => return Ok(Ok(())),
            Ok(read) => parts.write(&bytes[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
        parts.wait_for_capacity(PARTS_IN_FLIGHT).await?;
    }
}

/// Appends what a store sends to a file.
async fn copy(sent: GetResult, file: &mut AtomicFile) -> Result<io::Result<()>, Error> {
    let mut sent = sent.into_stream();
    while let Some(bytes) = sent.try_next().await? {
        if let Err(error) = file.write_all(&bytes) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_size_has_parts_that_stores_take() {
        for length in [LARGE + 1, 80 << 30, (80 << 30) + 1, 5 << 40] {
            let size = part_size(length);
            assert!(length.div_ceil(size) <= MAX_PARTS && size >= PART_SIZE);
            // The most that S3 takes in one.
            assert!(size <= 5 << 30);
        }
    }

    #[test]
    fn a_large_file_comes_back_byte_for_byte() {
        let store = Storage::in_memory();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let last = LARGE + PART_SIZE + 12_345;
        for length in [0, 1, LARGE, LARGE + 1, last] {
            let bytes: Vec<u8> = (0..length).map(|i| (i * i / 251) as u8).collect();
            fs::write(path("here"), &bytes).unwrap();
            assert!(store.upload("a", &path("here")).unwrap());
            assert!(store.download("a", &path("back")).unwrap());
            assert!(fs::read(path("back")).unwrap() == bytes, "{length}");
        }
        assert!(!store.upload("b", &path("none")).unwrap());
        assert!(!store.download("b", &path("back")).unwrap());
    }
}

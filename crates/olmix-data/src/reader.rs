//! Parts of files and objects: headers, and the small files beside shards.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use futures_util::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use tokio::runtime::Runtime;

use crate::pattern::Location;
use crate::store::Stores;

/// Reads parts of files, from any thread.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub stores: &'a Stores,
    pub runtime: &'a Runtime,
}

impl Reader<'_> {
    /// The bytes of a range; fewer where the file ends before.
    pub fn range(
        &self,
        location: &Location,
        name: &str,
        range: Range<u64>,
    ) -> Result<Vec<u8>, String> {
        match location {
            Location::Local => {
                let read = || {
                    let mut bytes = Vec::new();
                    let mut file = File::open(name)?;
                    file.seek(SeekFrom::Start(range.start))?;
                    file.take(range.end - range.start).read_to_end(&mut bytes)?;
                    Ok(bytes)
                };
                read().map_err(|error: std::io::Error| error.to_string())
            }
            Location::Store(root) => self.runtime.block_on(self.remote(root, name, range)),
        }
    }

    /// As [`Self::range`], of an object.
    pub async fn remote(
        &self,
        root: &str,
        name: &str,
        range: Range<u64>,
    ) -> Result<Vec<u8>, String> {
        let message = |error: object_store::Error| error.to_string();
        let store = self.stores.get(root)?;
        let key = Key::parse(name).map_err(|error| error.to_string())?;
        if let Ok(bytes) = store.get_range(&key, range.clone()).await {
            return Ok(bytes.to_vec());
        }
        // Some web servers can't give a part; what is too much is not read.
        let mut parts = store.get(&key).await.map_err(message)?.into_stream();
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < range.end {
            match parts.try_next().await.map_err(message)? {
                Some(part) => bytes.extend_from_slice(&part),
                None => break,
            }
        }
        bytes.truncate(range.end as usize);
        Ok(bytes.split_off(bytes.len().min(range.start as usize)))
    }

    /// A whole small file; `None` where there is none.
    pub fn whole(&self, location: &Location, name: &str) -> Result<Option<Vec<u8>>, String> {
        match location {
            Location::Local => match std::fs::read(name) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(format!("{name}: {error}")),
            },
            Location::Store(root) => self.runtime.block_on(async {
                let store = self.stores.get(root)?;
                let key = Key::parse(name).map_err(|error| error.to_string())?;
                let failed = |error: object_store::Error| format!("{root}/{name}: {error}");
                match store.get(&key).await {
                    Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?.to_vec())),
                    Err(object_store::Error::NotFound { .. }) => Ok(None),
                    Err(error) => Err(failed(error)),
                }
            }),
        }
    }
}

//! A folder in an object store: its objects, one request at a time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use tokio::runtime::{Builder, Runtime};

use super::error;
use crate::LaunchError;
use crate::host::clock::now;

/// How long a launcher waits for an answer, which it can ask for again.
pub const LAUNCHER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a node waits, which has hours of work to lose.
pub const NODE_TIMEOUT: Duration = Duration::from_mins(4);

/// A folder in an object store. Every call waits for the answer. Clones share the client.
#[derive(Clone)]
pub struct Storage {
    url: String,
    prefix: String,
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn ObjectStore>,
    runtime: Runtime,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Storage {
    /// The folder of a URL such as `s3://bucket/prefix`. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] for another URL, and for a store that is not set up.
    pub fn open(url: &str, timeout: Duration) -> Result<Self, LaunchError> {
        let url = url.trim_end_matches('/');
        let parts = url.split_once("://");
        let Some((scheme @ ("s3" | "gs" | "az"), rest)) = parts else {
            return Err(LaunchError::refused(
                format!("engine.storage is {url}, no store that runs can be kept in"),
                "give s3://bucket/prefix, gs://bucket/prefix or az://container/prefix",
            ));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let refused = |what: String| {
            LaunchError::refused(
                format!("{url}: {what}"),
                format!(
                    "correct engine.storage; credentials and endpoints are those of the environment: {}",
                    error::credentials_of(url)
                ),
            )
        };
        Key::parse(prefix).map_err(|error| refused(error.to_string()))?;
        let store = olmix_data::open_store(&format!("{scheme}://{bucket}"), timeout);
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            url: url.to_owned(),
            prefix: prefix.to_owned(),
            inner: Arc::new(Inner {
                store: store.map_err(refused)?,
                runtime: runtime.map_err(|error| refused(error.to_string()))?,
            }),
        })
    }

    /// A folder in this one.
    #[must_use]
    pub fn subfolder(&self, part: &str) -> Self {
        Self {
            url: self.url_of(part),
            prefix: self.full(part),
            inner: Arc::clone(&self.inner),
        }
    }

    /// The URL of the folder, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of something in it.
    #[must_use]
    pub fn url_of(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    /// What an object holds; `None` where there is none.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said.
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, LaunchError> {
        let key = self.key(name)?;
        let done = self.block_on(async { self.inner.store.get(&key).await?.bytes().await });
        match done {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(error) => {
                let missing = matches!(error, Error::NotFound { .. });
                if missing && !error::is_missing_bucket(&error) {
                    return Ok(None);
                }
                Err(error::refused(&self.url, &error))
            }
        }
    }

    /// Writes an object, whatever was there.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), LaunchError> {
        let key = self.key(name)?;
        let payload = PutPayload::from(bytes.to_vec());
        let done = self.block_on(self.inner.store.put(&key, payload));
        done.map(|_| ())
            .map_err(|error| error::refused(&self.url, &error))
    }

    /// Writes an object unless there is one: `false` then.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said.
    pub fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<bool, LaunchError> {
        let key = self.key(name)?;
        let payload = PutPayload::from(bytes.to_vec());
        let options = PutOptions::from(PutMode::Create);
        match self.block_on(self.inner.store.put_opts(&key, payload, options)) {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(error::refused(&self.url, &error)),
        }
    }

    /// The names of all that is in it, at any depth.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said.
    pub fn list(&self) -> Result<Vec<String>, LaunchError> {
        let key = self.key("")?;
        let listed = self.inner.store.list(Some(&key));
        let found: Vec<object_store::ObjectMeta> = self
            .block_on(listed.try_collect())
            .map_err(|error| error::refused(&self.url, &error))?;
        let name = |meta: &object_store::ObjectMeta| {
            let name = meta.location.as_ref().strip_prefix(key.as_ref())?;
            Some(name.trim_start_matches('/').to_owned())
        };
        Ok(found.iter().filter_map(name).collect())
    }

    /// The names of its folders.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said.
    pub fn folders(&self) -> Result<Vec<String>, LaunchError> {
        let key = self.key("")?;
        let found = self
            .block_on(self.inner.store.list_with_delimiter(Some(&key)))
            .map_err(|error| error::refused(&self.url, &error))?;
        let name = |key: &Key| key.filename().map(str::to_owned);
        Ok(found.common_prefixes.iter().filter_map(name).collect())
    }

    /// Removes objects; those that are not there are passed over.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said.
    pub fn delete<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<(), LaunchError> {
        for name in names {
            let key = self.key(name)?;
            match self.block_on(self.inner.store.delete(&key)) {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error::refused(&self.url, &error)),
            }
        }
        Ok(())
    }

    /// Finds out whether objects can be written, read and removed here, and are kept when they are
    /// written twice.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said.
    pub fn check(&self) -> Result<(), LaunchError> {
        let name = format!("submissions/check-{}-{}", now(), std::process::id());
        let text = name.as_bytes();
        let first = self.put_if_absent(&name, text)?;
        let again = self.put_if_absent(&name, text)?;
        let read = self.get(&name)?;
        self.delete([name.as_str()])?;
        if !first || again || read.as_deref() != Some(text) {
            return Err(LaunchError::refused(
                format!(
                    "{}: does not keep an object that is written a second time",
                    self.url
                ),
                "runs need a store with conditional writes (If-None-Match), which keep two jobs from one \
                 run; use another",
            ));
        }
        Ok(())
    }

    pub(super) fn store(&self) -> &dyn ObjectStore {
        self.inner.store.as_ref()
    }

    pub(super) fn block_on<T>(
        &self,
        done: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.inner.runtime.block_on(done)
    }

    fn full(&self, name: &str) -> String {
        match (self.prefix.as_str(), name) {
            ("", name) => name.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, name) => format!("{prefix}/{name}"),
        }
    }

    pub(super) fn key(&self, name: &str) -> Result<Key, LaunchError> {
        Key::parse(self.full(name)).map_err(|error| {
            LaunchError::refused(
                format!("{}: {error}", self.url),
                "give files and runs plain names",
            )
        })
    }
}

#[cfg(test)]
impl Storage {
    /// An empty store in memory.
    pub(super) fn in_memory() -> Self {
        Self {
            url: "s3://bucket/a".into(),
            prefix: "a".into(),
            inner: Arc::new(Inner {
                store: Arc::new(object_store::memory::InMemory::new()),
                runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_is_put_if_absent_keeps_its_first_content() {
        let storage = Storage::in_memory();
        assert!(storage.put_if_absent("job/claim", b"one").unwrap());
        assert!(!storage.put_if_absent("job/claim", b"two").unwrap());
        assert_eq!(storage.get("job/claim").unwrap().unwrap(), b"one");
        assert_eq!(storage.get("job/other").unwrap(), None);
        storage.check().unwrap();
        assert_eq!(storage.list().unwrap(), ["job/claim"]);
    }
}

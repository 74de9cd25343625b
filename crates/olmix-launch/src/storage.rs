//! Folders of runs in an object store, for clusters whose nodes share no filesystem with the launcher.
//!
//! A folder in the store is what it is on a shared filesystem. Which of its files belong together is said by a list of its own,
//! written once all of them are there: a folder that was half brought is taken for what it was before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{
    Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, WriteMultipart,
};
use olmix_fs::AtomicFile;
use tokio::runtime::{Builder, Runtime};

use crate::LaunchError;
use crate::clock::now;
use crate::job::empty;
use crate::log;
use crate::work::FOLDER;

/// How long a launcher waits for an answer, which it can ask for again.
pub const LAUNCHER: Duration = Duration::from_secs(10);

/// How long a node does, which has hours of work to lose.
pub const NODE: Duration = Duration::from_mins(4);

/// Above how many bytes a file goes in parts, and how many parts are on their way at once.
const IN_PARTS: u64 = 64 << 20;
const PART: usize = 8 << 20;
const PARTS: usize = 4;

/// The list of a folder's files.
const KEPT: &str = "kept.json";

/// How often a folder is looked through anew because it changed meanwhile.
const PASSES: usize = 5;

/// Files that mean something on their own machine alone.
const LOCKS: [&str; 1] = ["train.lock"];

/// A folder in an object store. Every call waits for the answer.
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

/// What is known of the files that both sides have.
pub type Known = BTreeMap<String, (u64, Option<SystemTime>)>;

impl Storage {
    /// The folder of a URL such as `s3://bucket/prefix`. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] for another URL, and for a store that is not set up.
    pub fn open(url: &str, patience: Duration) -> Result<Self, LaunchError> {
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
                "correct engine.storage; credentials and endpoints are those of the environment, such as AWS_ACCESS_KEY_ID",
            )
        };
        Key::parse(prefix).map_err(|error| refused(error.to_string()))?;
        let store = olmix_data::open_store(&format!("{scheme}://{bucket}"), patience);
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
    pub fn within(&self, part: &str) -> Self {
        Self {
            url: self.url_of(part),
            prefix: self.full(part),
            inner: Arc::clone(&self.inner),
        }
    }

    /// Its URL.
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
        let done = self.wait(async { self.inner.store.get(&key).await?.bytes().await });
        match done {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(error) => {
                let missing = matches!(error, Error::NotFound { .. });
                if missing && !is_of_bucket(&whole(&error)) {
                    return Ok(None);
                }
                Err(self.said(&error))
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
        let done = self.wait(self.inner.store.put(&key, payload));
        done.map(|_| ()).map_err(|error| self.said(&error))
    }

    /// Writes an object unless there is one: `false` then.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said.
    pub fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<bool, LaunchError> {
        let key = self.key(name)?;
        let payload = PutPayload::from(bytes.to_vec());
        let options = PutOptions::from(PutMode::Create);
        match self.wait(self.inner.store.put_opts(&key, payload, options)) {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.said(&error)),
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
            .wait(listed.try_collect())
            .map_err(|error| self.said(&error))?;
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
            .wait(self.inner.store.list_with_delimiter(Some(&key)))
            .map_err(|error| self.said(&error))?;
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
            match self.wait(self.inner.store.delete(&key)) {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(self.said(&error)),
            }
        }
        Ok(())
    }

    /// Finds out whether objects can be written, read and removed here, and are kept when they are written twice.
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
                "runs need a store with conditional writes (If-None-Match), which keep two jobs from one run; use another",
            ));
        }
        Ok(())
    }

    /// Makes the folder in the store what a folder of this machine is. Only what changed since the last time is written, and only
    /// then is removed what is gone.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said.
    pub fn up(&self, folder: &Path, known: &mut Known) -> Result<(), LaunchError> {
        for _ in 0..PASSES {
            let files = scan(folder);
            let mut whole = true;
            let mut changed = false;
            for (name, stamp) in &files {
                if known.get(name) == Some(stamp) {
                    continue;
                }
                if !self.upload(name, &folder.join(name))? {
                    whole = false;
                    break;
                }
                changed |= known.insert(name.clone(), *stamp).is_none();
            }
            if !whole {
                continue;
            }
            let gone: Vec<String> = known
                .keys()
                .filter(|name| !files.contains_key(*name))
                .cloned()
                .collect();
            if changed || !gone.is_empty() {
                let names: Vec<&String> = files.keys().collect();
                let text = serde_json::to_vec(&names).unwrap_or_default();
                self.put(&format!("{FOLDER}/{KEPT}"), &text)?;
            }
            self.delete(gone.iter().map(String::as_str))?;
            known.retain(|name, _| files.contains_key(name));
            return Ok(());
        }
        Ok(())
    }

    /// Makes a folder of this machine what the folder in the store is; of one that is to be begun `fresh`, the log alone is kept
    /// in either place.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store or the operating system said.
    pub fn down(&self, folder: &Path, fresh: bool) -> Result<Known, LaunchError> {
        let failed = |error: io::Error| {
            LaunchError::refused(
                format!("{}: {error}", folder.display()),
                "engine.scratch must be a folder that nodes may write to, with room for a run",
            )
        };
        fs::create_dir_all(folder).map_err(failed)?;
        empty(folder, &[FOLDER]).map_err(failed)?;
        let list = format!("{FOLDER}/{KEPT}");
        let mut kept: BTreeSet<String> = BTreeSet::new();
        if fresh {
            self.delete([list.as_str()])?;
        } else if let Some(bytes) = self.get(&list)? {
            kept = serde_json::from_slice(&bytes).unwrap_or_default();
        }
        kept.insert(log::FILE.to_owned());
        let inner = format!("{FOLDER}/");
        let listed = self.list()?;
        let (wanted, rest): (Vec<&String>, Vec<&String>) = listed
            .iter()
            .filter(|name| !name.starts_with(&inner))
            .partition(|name| kept.contains(*name) && travels(name));
        for name in wanted {
            self.fetch(name, &folder.join(name))?;
        }
        self.delete(rest.into_iter().map(String::as_str))?;
        Ok(scan(folder))
    }

    /// Brings one object to a file, whole or not at all. `false` where there is none.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store or the operating system said.
    pub fn fetch(&self, name: &str, path: &Path) -> Result<bool, LaunchError> {
        let key = self.key(name)?;
        let failed = |error: io::Error| {
            LaunchError::refused(
                format!("{}: {error}", path.display()),
                "make room there, or correct its permissions",
            )
        };
        let parent = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed)?;
        let mut file = AtomicFile::create_in(parent).map_err(|error| failed(error.error))?;
        let mut broken: Option<io::Error> = None;
        let done = self.wait(async {
            let mut parts = self.inner.store.get(&key).await?.into_stream();
            while let Some(part) = parts.try_next().await? {
                if let Err(error) = file.write_all(&part) {
                    broken = Some(error);
                    break;
                }
            }
            Ok(())
        });
        match done {
            Ok(()) => {}
            Err(Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(self.said(&error)),
        }
        if let Some(error) = broken {
            return Err(failed(error));
        }
        file.commit(path).map_err(|error| failed(error.error))?;
        Ok(true)
    }

    /// Writes a file. `false` where it went away meanwhile.
    fn upload(&self, name: &str, path: &Path) -> Result<bool, LaunchError> {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Ok(false),
            _ => Err(LaunchError::refused(
                format!("{}: {error}", path.display()),
                "correct its permissions",
            )),
        };
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) => return unreadable(error),
        };
        if file.metadata().is_ok_and(|found| found.len() <= IN_PARTS) {
            let mut bytes = Vec::new();
            return match file.read_to_end(&mut bytes) {
                Ok(_) => self.put(name, &bytes).map(|()| true),
                Err(error) => unreadable(error),
            };
        }
        let key = self.key(name)?;
        let mut broken: Option<io::Error> = None;
        let done = self.wait(async {
            let upload = self.inner.store.put_multipart(&key).await?;
            let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
            let mut bytes = vec![0; PART];
            loop {
                match file.read(&mut bytes) {
                    Ok(0) => break,
                    Ok(length) => parts.write(&bytes[..length]),
                    Err(error) => {
                        broken = Some(error);
                        return parts.abort().await;
                    }
                }
                parts.wait_for_capacity(PARTS).await?;
            }
            parts.finish().await.map(|_| ())
        });
        match (broken, done) {
            (Some(error), _) => unreadable(error),
            (None, done) => done.map(|()| true).map_err(|error| self.said(&error)),
        }
    }

    fn wait<T>(&self, done: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.inner.runtime.block_on(done)
    }

    fn full(&self, name: &str) -> String {
        match (self.prefix.as_str(), name) {
            ("", name) => name.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, name) => format!("{prefix}/{name}"),
        }
    }

    fn key(&self, name: &str) -> Result<Key, LaunchError> {
        Key::parse(self.full(name)).map_err(|error| {
            LaunchError::refused(
                format!("{}: {error}", self.url),
                "give files and runs plain names",
            )
        })
    }

    /// What the store said, in short, and what to do about it.
    fn said(&self, error: &Error) -> LaunchError {
        let text = whole(error);
        let said = short(&text);
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let help = if has(&["ExpiredToken", "RequestExpired", "TokenRefreshRequired"]) {
            "the credential has expired: renew it (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or your store's), then run the same command again"
        } else if is_of_bucket(&text) {
            "make the bucket, or correct engine.storage"
        } else if has(&[
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "InvalidToken",
            "MissingCredentials",
            "missing credentials",
            "169.254.169.254",
        ]) || matches!(error, Error::Unauthenticated { .. })
        {
            "set the credential of the store in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or your store's)"
        } else if has(&["AccessDenied", "403"]) || matches!(error, Error::PermissionDenied { .. }) {
            "this credential must be allowed to list, read, write and delete objects below it"
        } else {
            "look whether the store is reachable from here, and whether its endpoint (AWS_ENDPOINT_URL) and region are right"
        };
        LaunchError::refused(format!("{}: {said}", self.url), help)
    }
}

/// An error with all that caused it.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text += &format!(": {more}");
        }
        cause = inner.source();
    }
    text
}

/// Whether it is the bucket that is not there.
fn is_of_bucket(text: &str) -> bool {
    [
        "NoSuchBucket",
        "ContainerNotFound",
        "The specified bucket does not exist",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// The telling part of what a store said: `AccessDenied: …` out of its XML, or the last cause.
fn short(text: &str) -> String {
    const MOST: usize = 200;
    let inside = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once('<')?.0.trim().to_owned())
    };
    let told = match (inside("Code"), inside("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        _ => match text.rsplit_once("status code: ") {
            Some((_, rest)) => format!("it answers {}", rest.lines().next().unwrap_or(rest)),
            None => text
                .rsplit(": ")
                .take(2)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
                .join(": "),
        },
    };
    let line = told.lines().next().unwrap_or_default().trim().to_owned();
    let mut cut: String = line.chars().take(MOST).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    cut
}

/// Whether a file of a run is brought to other machines.
fn travels(name: &str) -> bool {
    let hidden = name.split('/').any(|part| part.starts_with('.'));
    let last = name.rsplit('/').next().unwrap_or(name);
    !hidden && !LOCKS.contains(&last)
}

/// The files of a folder that travel, but for the records of its jobs.
fn scan(folder: &Path) -> Known {
    let mut found = Known::new();
    let mut open = vec![String::new()];
    while let Some(inner) = open.pop() {
        // What goes away meanwhile is not there.
        let Ok(entries) = fs::read_dir(folder.join(&inner)) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let name = if inner.is_empty() {
                name
            } else {
                format!("{inner}/{name}")
            };
            if !travels(&name) || name == FOLDER {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(name);
            } else if let Ok(data) = fs::metadata(entry.path()).as_ref()
                && data.is_file()
            {
                found.insert(name, (data.len(), data.modified().ok()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store in memory.
    fn storage() -> Storage {
        Storage {
            url: "s3://bucket/a".into(),
            prefix: "a".into(),
            inner: Arc::new(Inner {
                store: Arc::new(object_store::memory::InMemory::new()),
                runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            }),
        }
    }

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_ticket_is_written_once() {
        let storage = storage();
        assert!(storage.put_if_absent("job/claim", b"one").unwrap());
        assert!(!storage.put_if_absent("job/claim", b"two").unwrap());
        assert_eq!(storage.get("job/claim").unwrap().unwrap(), b"one");
        assert_eq!(storage.get("job/other").unwrap(), None);
        storage.check().unwrap();
        assert_eq!(storage.list().unwrap(), ["job/claim"]);
    }

    #[test]
    fn a_folder_comes_back_as_it_was_when_it_was_last_whole() {
        let store = storage();
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one, two) = (one.path(), two.path());
        for (name, text) in [
            ("log.txt", "log"),
            ("checkpoints/step-1/model", "1"),
            ("checkpoints/.half/model", "x"),
            ("train.lock", ""),
            ("job/lock", ""),
        ] {
            write(one, name, text);
        }
        let mut known = store.down(&one.join("none"), false).unwrap();
        fs::remove_dir(one.join("none")).unwrap();
        store.up(one, &mut known).unwrap();
        let names = ["checkpoints/step-1/model", "job/kept.json", "log.txt"];
        assert_eq!(store.list().unwrap(), names);
        // The next checkpoint, and the first is gone.
        fs::remove_dir_all(one.join("checkpoints/step-1")).unwrap();
        write(one, "checkpoints/step-2/model", "22");
        write(one, "log.txt", "log and more");
        store.up(one, &mut known).unwrap();
        // One that is half on its way does not count.
        store.put("checkpoints/step-3/model", b"3").unwrap();
        write(two, "stale", "stale");
        let known = store.down(two, false).unwrap();
        assert_eq!(
            known.keys().collect::<Vec<_>>(),
            ["checkpoints/step-2/model", "log.txt"]
        );
        assert_eq!(
            fs::read_to_string(two.join("log.txt")).unwrap(),
            "log and more"
        );
        assert!(!two.join("stale").exists());
        let names = ["checkpoints/step-2/model", "job/kept.json", "log.txt"];
        assert_eq!(store.list().unwrap(), names);
        store.down(two, true).unwrap();
        assert_eq!(store.list().unwrap(), ["log.txt"]);
    }

    #[test]
    fn what_a_store_says_is_told_in_short() {
        let text = "Generic S3 error: Error performing PUT http://x in 1s, after 0 retries - Server returned non-2xx status code: 403 \
                    Forbidden: <?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        assert_eq!(short(text), "AccessDenied: Access Denied");
        assert_eq!(short("a: b: c: d"), "c: d");
    }
}

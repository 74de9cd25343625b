//! Which shards a pattern names, with their sizes.

use std::path::Path;
use std::time::UNIX_EPOCH;

use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use walkdir::WalkDir;

use crate::pattern::{Location, Pattern, is_hidden};

/// A file or object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shard {
    /// This machine or a store.
    pub location: Location,
    /// Its path on this machine, or its key in the store.
    pub name: String,
    /// Bytes of the file or object.
    pub size: u64,
    /// What changes when the content does: a modification time or an entity tag.
    pub version: String,
}

impl Shard {
    /// Its path or URL.
    pub fn display(&self) -> String {
        match &self.location {
            Location::Local => self.name.clone(),
            Location::Store(root) => format!("{root}/{}", self.name),
        }
    }
}

/// Files of this machine, sorted by name. A relative pattern starts at `folder`.
pub(crate) fn local(pattern: &Pattern, folder: &Path) -> Result<Vec<Shard>, String> {
    let base = folder.join(&pattern.base);
    if pattern.glob.is_none() {
        return match std::fs::metadata(&base) {
            Ok(found) if found.is_dir() => Err(format!(
                "`{}` is a folder; name its files, such as {}/**/*.npy",
                pattern.text,
                pattern.text.trim_end_matches('/')
            )),
            Ok(found) => Ok(vec![file(&base.to_string_lossy(), &found)]),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(format!("`{}`: {error}", pattern.text)),
        };
    }
    // The working directory has no name.
    let base = if base.as_os_str().is_empty() {
        Path::new(".").to_owned()
    } else {
        base
    };
    if !base.exists() {
        return Ok(Vec::new());
    }
    let mut shards = Vec::new();
    let hidden = pattern.names_hidden();
    let walk = WalkDir::new(&base).follow_links(true).into_iter();
    let walk = walk.filter_entry(|entry| {
        // The folder itself was written.
        hidden || entry.depth() == 0 || !is_hidden(&entry.file_name().to_string_lossy())
    });
    for entry in walk {
        let entry = entry.map_err(|error| unlistable(pattern, &error))?;
        if entry.file_type().is_dir() {
            continue;
        }
        let path = entry.path();
        let path = path.strip_prefix(".").unwrap_or(path);
        // The pattern is written from the folder on.
        let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy();
        if pattern.matches(&name) {
            let found = entry
                .metadata()
                .map_err(|error| format!("{}: {error}", path.display()))?;
            shards.push(file(&path.to_string_lossy(), &found));
        }
    }
    shards.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(shards)
}

/// Why a folder can't be gone through.
fn unlistable(pattern: &Pattern, error: &walkdir::Error) -> String {
    match (error.loop_ancestor(), error.path()) {
        (Some(above), Some(link)) => format!(
            "`{}`: {} is a link to {}, in which it lies; remove it, or name folders without it",
            pattern.text,
            link.display(),
            above.display()
        ),
        _ => format!("`{}`: {error}", pattern.text),
    }
}

/// A file of this machine, under the shortest form of its name.
fn file(name: &str, found: &std::fs::Metadata) -> Shard {
    let parts: std::path::PathBuf = Path::new(name).components().collect();
    let name = parts.to_string_lossy();
    let modified = found.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Shard {
        location: Location::Local,
        name: name.into_owned(),
        size: found.len(),
        version: since.map_or_else(String::new, |since| since.as_nanos().to_string()),
    }
}

/// Objects of a store, sorted by name: one request for a thousand of them.
pub(crate) async fn remote(
    pattern: &Pattern,
    root: &str,
    store: &dyn ObjectStore,
) -> Result<Vec<Shard>, String> {
    let failed = |error: object_store::Error| format!("`{}`: {error}", pattern.text);
    let shard = |meta: ObjectMeta| Shard {
        location: Location::Store(root.to_owned()),
        name: meta.location.to_string(),
        size: meta.size,
        version: meta
            .e_tag
            .unwrap_or_else(|| meta.last_modified.timestamp_micros().to_string()),
    };
    let key = Key::parse(&pattern.base).map_err(|error| format!("`{}`: {error}", pattern.text))?;
    if pattern.glob.is_none() {
        return match store.head(&key).await {
            Ok(meta) => Ok(vec![shard(meta)]),
            Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(failed(error)),
        };
    }
    if root.starts_with("http") {
        // A name with characters of wildcards may still be a file's.
        let literal = Key::parse(&pattern.literal).ok();
        if let Some(Ok(meta)) = match literal {
            Some(key) => Some(store.head(&key).await),
            None => None,
        } {
            return Ok(vec![shard(meta)]);
        }
        return Err(format!(
            "`{}`: web servers don't list their files; name each one",
            pattern.text
        ));
    }
    let listed = store.list(Some(&key));
    // The index of a shard that is meant says what the shard is.
    let meant = |name: &str| {
        let bin = name.strip_suffix(".idx").map(|stem| format!("{stem}.bin"));
        name == pattern.literal
            || pattern.matches(name)
            || bin.is_some_and(|bin| pattern.matches(&bin))
    };
    let meant = listed.try_filter(|meta| std::future::ready(meant(meta.location.as_ref())));
    let found: Vec<ObjectMeta> = meant.try_collect().await.map_err(failed)?;
    let mut shards: Vec<Shard> = found.into_iter().map(shard).collect();
    // A name that is exactly the pattern is meant, and nothing else.
    if shards.iter().any(|shard| shard.name == pattern.literal) {
        shards.retain(|shard| shard.name == pattern.literal);
    }
    shards.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(shards)
}

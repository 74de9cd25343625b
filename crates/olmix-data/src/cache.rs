//! Counts of texts that are remembered: a line each, added as shards are counted.
//!
//! A line that was cut short when a run was killed is a count that was not made. Nothing is lost when
//! the file is: shards are read again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::listing::Shard;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// Path or URL.
    shard: String,
    size: u64,
    /// Modification time or entity tag.
    version: String,
    /// Format, field and unit.
    how: String,
    tokens: u64,
}

/// Size, version and way of counting a shard, and its tokens: [`Line`] without its name.
type Remembered = (u64, String, String, u64);

/// Remembered counts, by path or URL of their shard.
#[derive(Default)]
pub(crate) struct Cache {
    known: HashMap<String, Remembered>,
    file: Option<Mutex<File>>,
}

impl Cache {
    /// Reads the file, if there is one. A cache that can't be read or written does not fail the command.
    pub fn open(path: &Path) -> Self {
        let mut known = HashMap::new();
        let text = std::fs::read(path).unwrap_or_default();
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok(line) = serde_json::from_slice::<Line>(line) {
                known.insert(line.shard, (line.size, line.version, line.how, line.tokens));
            }
        }
        if let Some(folder) = path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        let file = OpenOptions::new().append(true).create(true).open(path).ok();
        let cut = !text.is_empty() && !text.ends_with(b"\n");
        let file = file.map(|mut file| {
            if cut {
                let _ = file.write_all(b"\n");
            }
            Mutex::new(file)
        });
        Self { known, file }
    }

    /// The count of a shard that is as it was.
    pub fn get(&self, shard: &Shard, how: &str) -> Option<u64> {
        let (size, version, by, tokens) = self.known.get(&shard.display())?;
        let same = *size == shard.size && *version == shard.version && by == how;
        (same && !shard.version.is_empty()).then_some(*tokens)
    }

    /// Remembers a count.
    pub fn add(&self, shard: &Shard, how: &str, tokens: u64) {
        let line = Line {
            shard: shard.display(),
            size: shard.size,
            version: shard.version.clone(),
            how: how.to_owned(),
            tokens,
        };
        if let (Some(file), Ok(mut line)) = (&self.file, serde_json::to_vec(&line)) {
            line.push(b'\n');
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(&line);
        }
    }
}

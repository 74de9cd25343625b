//! What a shard of tokens holds, by its name, its header, and the files beside it.

pub(crate) mod flat;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::Format;
use crate::format::has_end;
use crate::listing::Shard;
use crate::reader::Reader;
use crate::resolve::is_npy;
use flat::{HEAD, MEGATRON_HEAD, Npy, SHORT_INDEX};

/// Where the tokens of a shard are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flat {
    /// Bytes before the first token.
    pub offset: u64,
    pub width: u64,
    pub big_endian: bool,
    pub tokens: u64,
    /// Why a trainer can't read them one after another, where it can't.
    pub unreadable: Option<&'static str>,
    /// Whether the shard is a chunk of litdata.
    pub litdata: bool,
}

impl Flat {
    /// Tokens of `width` bytes and nothing else.
    fn plain(size: u64, width: u64) -> Result<Self, String> {
        Ok(Self {
            offset: 0,
            width,
            big_endian: false,
            tokens: flat::tokens(size, 0, width)?,
            unreadable: None,
            litdata: false,
        })
    }
}

/// An `index.json` that belongs to shards of other programs, by folder; each is read once.
type Indexes = Mutex<HashMap<String, Option<Arc<Value>>>>;

/// Measures shards, from any thread.
pub(crate) struct Measure<'a> {
    reader: Reader<'a>,
    /// Bytes of a token where no file says it.
    width: u64,
    indexes: Indexes,
}

impl<'a> Measure<'a> {
    pub fn new(reader: Reader<'a>, width: u64) -> Self {
        Self {
            reader,
            width,
            indexes: Indexes::default(),
        }
    }

    /// Measures a shard of tokens; `header` is that of an `.npy` object of a store, where it was read.
    pub fn shard(
        &self,
        shard: &Shard,
        format: Format,
        header: Option<&Result<Option<Npy>, String>>,
    ) -> Result<Flat, String> {
        match format {
            Format::Megatron => self.megatron(shard),
            Format::Datatrove => self.datatrove(shard),
            Format::Litdata => {
                let index = self.index(shard)?;
                let index = index.ok_or("has no index.json of litdata beside it")?;
                litdata(shard, &index)
            }
            _ if is_npy(shard) => self.npy(shard, header),
            _ => {
                // Chunks of litdata are named like other shards; their index tells.
                if has_end(&shard.name, "bin")
                    && let Some(index) = self.index(shard)?
                {
                    return litdata(shard, &index);
                }
                if self.is_chunk(shard)? {
                    return Err("is a chunk of litdata, and its index.json is not there".to_owned());
                }
                Flat::plain(shard.size, self.width)
            }
        }
    }

    fn npy(
        &self,
        shard: &Shard,
        header: Option<&Result<Option<Npy>, String>>,
    ) -> Result<Flat, String> {
        let npy = match header {
            Some(header) => header.clone()?,
            None => flat::npy(&self.reader.range(&shard.location, &shard.name, 0..HEAD)?)?,
        };
        let Some(npy) = npy else {
            return Flat::plain(shard.size, self.width);
        };
        if let Some(tokens) = npy.tokens {
            let found = shard.size.saturating_sub(npy.offset);
            flat::agree(found, tokens.saturating_mul(npy.width), "its NPY header")?;
        }
        Ok(Flat {
            offset: npy.offset,
            width: npy.width,
            big_endian: npy.big_endian,
            tokens: flat::tokens(shard.size, npy.offset, npy.width)?,
            unreadable: npy.by_column.then_some(
                "is stored column by column (fortran_order), so that its rows are not text; save it with \
                 numpy.ascontiguousarray",
            ),
            litdata: false,
        })
    }

    fn megatron(&self, shard: &Shard) -> Result<Flat, String> {
        let stem = shard.name.strip_suffix(".bin").unwrap_or(&shard.name);
        let name = format!("{stem}.idx");
        let part = |range| {
            let read = self.reader.range(&shard.location, &name, range);
            read.map_err(|problem| format!("its .idx file: {problem}"))
        };
        let (width, count) = flat::megatron(&part(0..MEGATRON_HEAD)?)?;
        // The last sequence tells where the tokens end: its length, and its place behind all lengths.
        let end = if count == 0 {
            0
        } else {
            let places = count
                .checked_mul(4)
                .and_then(|n| n.checked_add(MEGATRON_HEAD));
            let last = places.and_then(|n| Some((n, n.checked_add(count.checked_mul(8)?)?)));
            let (places, after) = last.ok_or(SHORT_INDEX)?;
            let length = part(places - 4..places)?;
            let place = part(after - 8..after)?;
            let length = <[u8; 4]>::try_from(length).map_err(|_| SHORT_INDEX)?;
            let place = <[u8; 8]>::try_from(place).map_err(|_| SHORT_INDEX)?;
            let length = u64::from(u32::from_le_bytes(length));
            u64::from_le_bytes(place).saturating_add(length * width)
        };
        flat::agree(shard.size, end, "its .idx file")?;
        Flat::plain(shard.size, width)
    }

    /// A `.ds` file of datatrove. Its `.metadata` says how many tokens it has, its `.index` where documents
    /// end; neither may be there.
    fn datatrove(&self, shard: &Shard) -> Result<Flat, String> {
        let beside = |end: &str| {
            self.reader
                .whole(&shard.location, &format!("{}.{end}", shard.name))
        };
        let (count, whose) = if let Some(metadata) = beside("metadata")? {
            let text = String::from_utf8_lossy(&metadata).into_owned();
            let count = text
                .lines()
                .nth(1)
                .and_then(|line| line.trim().parse().ok());
            let count: Option<u64> = count;
            (
                count.ok_or("its .metadata file names no number of tokens")?,
                ".metadata",
            )
        } else if let Some(index) = beside("index")? {
            let (ends, rest) = index.as_chunks::<8>();
            if !rest.is_empty() {
                return Err("its .index file was cut short".to_owned());
            }
            let last = ends.last().copied().map_or(0, u64::from_le_bytes);
            (last, ".index")
        } else {
            return Flat::plain(shard.size, self.width);
        };
        let width = [2, 4]
            .into_iter()
            .find(|width| count.checked_mul(*width) == Some(shard.size));
        let width = width.ok_or_else(|| {
            format!(
                "its {whose} file says {count} tokens, which are not its {} bytes: one of the two was cut short",
                shard.size
            )
        })?;
        Flat::plain(shard.size, width)
    }

    /// The `index.json` in a shard's folder, where it is one of litdata.
    fn index(&self, shard: &Shard) -> Result<Option<Arc<Value>>, String> {
        let folder = shard.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let local = shard.location == crate::pattern::Location::Local;
        // A request for each folder of a store would be in vain but for names like these.
        if !local && !is_chunk_name(&shard.name) {
            return Ok(None);
        }
        let key = format!("{:?}/{folder}", shard.location);
        let known = || self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&key) {
            return Ok(found.clone());
        }
        let name = if folder.is_empty() && !shard.name.starts_with('/') {
            "index.json".to_owned()
        } else {
            format!("{folder}/index.json")
        };
        let found = self.reader.whole(&shard.location, &name)?;
        let index = found.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        let index = index.filter(|index| index["chunks"][0]["chunk_bytes"].is_u64());
        let index = index.map(Arc::new);
        known().insert(key, index.clone());
        Ok(index)
    }

    /// Whether a shard that is named like a chunk of litdata is one by its content: offsets of items at its
    /// beginning, the last of which is its size.
    fn is_chunk(&self, shard: &Shard) -> Result<bool, String> {
        if !is_chunk_name(&shard.name) {
            return Ok(false);
        }
        let number = |at: u64| -> Result<u64, String> {
            let bytes = self
                .reader
                .range(&shard.location, &shard.name, at..at + 4)?;
            let bytes = <[u8; 4]>::try_from(bytes).unwrap_or_default();
            Ok(u64::from(u32::from_le_bytes(bytes)))
        };
        let items = number(0)?;
        let data = 4 * (items + 2);
        Ok(items > 0 && number(4)? == data && number(data - 4)? == shard.size)
    }
}

/// Whether a name is one that litdata gives chunks: `chunk-0-3.bin`.
fn is_chunk_name(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("chunk-") && has_end(name, "bin")
}

/// A chunk of litdata, as its index knows it.
fn litdata(shard: &Shard, index: &Value) -> Result<Flat, String> {
    let name = shard.name.rsplit('/').next().unwrap_or(&shard.name);
    let chunks = index["chunks"].as_array();
    let chunk = chunks.and_then(|all| all.iter().find(|chunk| chunk["filename"] == name));
    let chunk = chunk.ok_or("is not in the index.json of litdata beside it")?;
    let tokens = chunk["dim"].as_u64().ok_or(
        "is a chunk of litdata that was not written with a TokensLoader: its index.json gives no tokens",
    )?;
    if index["config"]["compression"].is_null() {
        let bytes = chunk["chunk_bytes"].as_u64().unwrap_or(0);
        flat::agree(shard.size, bytes, "the index.json of its folder")?;
    }
    Ok(Flat {
        offset: 0,
        width: 1,
        big_endian: false,
        tokens,
        unreadable: Some(
            "is a chunk of litdata, which olmix counts but does not train on; write its tokens as .npy, or run \
             `olmix tokenize` on the texts",
        ),
        litdata: true,
    })
}

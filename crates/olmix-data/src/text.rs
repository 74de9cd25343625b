//! Shards that hold text: read through, document by document.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;

use crate::{DataError, Format};

/// What is counted in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// UTF-8 bytes.
    Bytes,
    /// Tokens of the tokenizer in this `tokenizer.json`, without special tokens.
    Tokenizer(PathBuf),
}

/// Counts documents.
pub(crate) enum Counter {
    Bytes,
    Tokenizer(Box<Tokenizer>, String),
}

impl Counter {
    pub fn open(unit: &Unit) -> Result<Self, DataError> {
        let Unit::Tokenizer(path) = unit else {
            return Ok(Self::Bytes);
        };
        let failed = |problem: String| DataError::Tokenizer {
            name: path.display().to_string(),
            problem,
        };
        let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        let tokenizer = Tokenizer::from_bytes(&bytes).map_err(|error| failed(error.to_string()))?;
        let hash = Sha256::digest(&bytes);
        let mut hex = String::new();
        for byte in hash.iter().take(8) {
            hex += &format!("{byte:02x}");
        }
        Ok(Self::Tokenizer(Box::new(tokenizer), hex))
    }

    /// What it counts, for the cache.
    pub fn name(&self) -> &str {
        match self {
            Self::Bytes => "bytes",
            Self::Tokenizer(_, hash) => hash,
        }
    }

    fn count(&self, text: &str) -> Result<u64, String> {
        match self {
            Self::Bytes => Ok(text.len() as u64),
            Self::Tokenizer(tokenizer, _) => {
                let encoded = tokenizer.encode_fast(text, false);
                encoded
                    .map(|found| found.len() as u64)
                    .map_err(|error| error.to_string())
            }
        }
    }
}

/// Counts a shard that lies on this machine; `name` is the shard's own, and tells how it is compressed.
/// `progress` is called with bytes as they are read.
pub(crate) fn count(
    path: &Path,
    name: &str,
    format: Format,
    field: &str,
    counter: &Counter,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    if format == Format::Parquet {
        return parquet(file, field, counter, progress);
    }
    let raw = Watched {
        inner: file,
        progress,
    };
    let name = name.to_ascii_lowercase();
    let reader: Box<dyn Read> = match name.rsplit_once('.').map(|(_, end)| end) {
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(raw)),
        Some("zst") => {
            let decoder = zstd::stream::read::Decoder::new(raw);
            Box::new(decoder.map_err(|error| error.to_string())?)
        }
        _ => Box::new(raw),
    };
    jsonl(BufReader::with_capacity(1 << 20, reader), field, counter)
}

fn jsonl(mut reader: impl BufRead, field: &str, counter: &Counter) -> Result<u64, String> {
    let mut line = Vec::new();
    let (mut number, mut tokens) = (0_u64, 0);
    loop {
        line.clear();
        number += 1;
        let read = reader.read_until(b'\n', &mut line);
        let at = |problem: String| format!("line {number}: {problem}");
        if read.map_err(|error| at(error.to_string()))? == 0 {
            return Ok(tokens);
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut json = serde_json::Deserializer::from_slice(&line);
        let text = json
            .deserialize_map(Field(field))
            .and_then(|text| json.end().map(|()| text));
        let text = text.map_err(|error| at(format!("no JSON object with text: {error}")))?;
        let text = text.ok_or_else(|| at(format!("there is no field `{field}`")))?;
        tokens += counter.count(&text).map_err(at)?;
    }
}

/// Takes one field of an object and passes over the others.
struct Field<'a>(&'a str);

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            if key == self.0 {
                found = Some(map.next_value::<String>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Documents of a Parquet file that are read at a time.
const BATCH: usize = 1024;

fn parquet(
    file: File,
    field: &str,
    counter: &Counter,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64, String> {
    let told = |error: parquet::errors::ParquetError| error.to_string();
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let reader = SerializedFileReader::new(file).map_err(told)?;
    let groups = reader.num_row_groups();
    let mut tokens = 0;
    for group in 0..groups {
        let rows = reader.get_row_group(group).map_err(told)?;
        let columns = rows.metadata().columns();
        let column = columns
            .iter()
            .position(|c| c.column_path().string() == field);
        let column = column.ok_or_else(|| {
            let names: Vec<String> = columns.iter().map(|c| c.column_path().string()).collect();
            format!(
                "there is no column `{field}`; there are {}",
                names.join(", ")
            )
        })?;
        let ColumnReader::ByteArrayColumnReader(mut reader) =
            rows.get_column_reader(column).map_err(told)?
        else {
            return Err(format!("the column `{field}` holds no text"));
        };
        let mut values: Vec<ByteArray> = Vec::with_capacity(BATCH);
        let (mut definition, mut repetition) = (Vec::new(), Vec::new());
        loop {
            values.clear();
            definition.clear();
            repetition.clear();
            let (records, _, _) = reader
                .read_records(
                    BATCH,
                    Some(&mut definition),
                    Some(&mut repetition),
                    &mut values,
                )
                .map_err(told)?;
            if records == 0 {
                break;
            }
            for value in &values {
                let text = std::str::from_utf8(value.data());
                let text = text.map_err(|_| format!("the column `{field}` holds no UTF-8 text"))?;
                tokens += counter.count(text)?;
            }
        }
        // The bytes of a group are not known to be equal, but their sum is.
        let (before, after) = (group as u64, group as u64 + 1);
        progress(size * after / groups as u64 - size * before / groups as u64);
    }
    Ok(tokens)
}

/// A reader that tells how much was read.
struct Watched<'a, R> {
    inner: R,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(into)?;
        (self.progress)(read as u64);
        Ok(read)
    }
}

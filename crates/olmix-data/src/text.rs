//! Shards that hold text: read through, document by document.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use crate::{Encoder, Format};

/// What is counted in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// UTF-8 bytes: a token per byte.
    Bytes,
    /// Tokens of the tokenizer in this `tokenizer.json`, without special tokens.
    Tokenizer(PathBuf),
}

/// What is done with each document; what goes wrong is told with the line it was on.
type Each<'a> = dyn FnMut(&str) -> Result<(), String> + 'a;

/// The tokens of a shard that lies on this machine. Arguments are those of [`documents`].
pub(crate) fn count(
    path: &Path,
    name: &str,
    format: Format,
    field: &str,
    encoder: &Encoder,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64, String> {
    let mut tokens = 0;
    documents(path, name, format, field, progress, &mut |text| {
        tokens += encoder.count(text)?;
        Ok(())
    })?;
    Ok(tokens)
}

/// Goes through the documents of a shard that lies on this machine, in order; `name` is the shard's own,
/// and tells how it is compressed. `progress` is called with bytes as they are read.
pub(crate) fn documents(
    path: &Path,
    name: &str,
    format: Format,
    field: &str,
    progress: &(dyn Fn(u64) + Sync),
    each: &mut Each<'_>,
) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    if format == Format::Parquet {
        return parquet(file, field, progress, each);
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
    if format == Format::Text {
        return plain(reader, each);
    }
    jsonl(BufReader::with_capacity(1 << 20, reader), field, each)
}

/// A whole file as one document.
fn plain(mut reader: impl Read, each: &mut Each<'_>) -> Result<(), String> {
    let mut bytes = Vec::new();
    let read = reader.read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.split(|&byte| byte == b'\n').count();
        format!("line {line}: no UTF-8 text")
    })?;
    each(text)
}

fn jsonl(mut reader: impl BufRead, field: &str, each: &mut Each<'_>) -> Result<(), String> {
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        number += 1;
        let read = reader.read_until(b'\n', &mut line);
        let at = |problem: String| format!("line {number}: {problem}");
        if read.map_err(|error| at(error.to_string()))? == 0 {
            return Ok(());
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut json = serde_json::Deserializer::from_slice(&line);
        let text = json
            .deserialize_map(Field(field))
            .and_then(|text| json.end().map(|()| text));
        let text = text.map_err(|error| at(broken(&line, &error)))?;
        let text = text.ok_or_else(|| at(missing(&line, field)))?;
        each(&text).map_err(at)?;
    }
}

/// That a field is not there, and which are.
fn missing(line: &[u8], field: &str) -> String {
    let found: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(line).unwrap_or_default();
    let names: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
    format!(
        "there is no field `{field}`; there are: {}",
        names.join(", ")
    )
}

/// Why a line is not a document.
fn broken(line: &[u8], error: &serde_json::Error) -> String {
    if let Err(error) = std::str::from_utf8(line) {
        let column = error.valid_up_to() + 1;
        return format!("no UTF-8 text at column {column}");
    }
    // The library knows of one line only.
    let message = error.to_string();
    let message = message.replace(" at line 1 column ", " at column ");
    format!("no JSON object with text: {message}")
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
    progress: &(dyn Fn(u64) + Sync),
    each: &mut Each<'_>,
) -> Result<(), String> {
    let message = |error: parquet::errors::ParquetError| error.to_string();
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let reader = SerializedFileReader::new(file).map_err(message)?;
    let groups = reader.num_row_groups();
    for group in 0..groups {
        let rows = reader.get_row_group(group).map_err(message)?;
        let columns = rows.metadata().columns();
        let column = columns
            .iter()
            .position(|c| c.column_path().string() == field);
        let column = column.ok_or_else(|| {
            let names: Vec<String> = columns.iter().map(|c| c.column_path().string()).collect();
            format!(
                "there is no column `{field}`; there are: {}",
                names.join(", ")
            )
        })?;
        let ColumnReader::ByteArrayColumnReader(mut reader) =
            rows.get_column_reader(column).map_err(message)?
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
                .map_err(message)?;
            if records == 0 {
                break;
            }
            for value in &values {
                let text = std::str::from_utf8(value.data());
                let text = text.map_err(|_| format!("the column `{field}` holds no UTF-8 text"))?;
                each(text)?;
            }
        }
        // The bytes of a group are not known to be equal, but their sum is.
        let (before, after) = (group as u64, group as u64 + 1);
        progress(size * after / groups as u64 - size * before / groups as u64);
    }
    Ok(())
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

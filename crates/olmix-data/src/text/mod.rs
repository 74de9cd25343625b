//! Shards that hold text: read through, document by document.

mod json_line;
mod parquet;
mod parquet_pages;

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use olmix_fs::DOCUMENT;

use crate::{Encoder, Format};
pub(crate) use parquet_pages::check_pages;

/// What is counted in a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Unit {
    /// UTF-8 bytes: a token per byte.
    Bytes,
    /// Tokens of the tokenizer in this `tokenizer.json`, without special tokens.
    Tokenizer(PathBuf),
}

/// What is done with a line, or a row, that is not a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnBadLine {
    /// The file can't be used.
    #[default]
    Stop,
    /// It is left out, counted, and named.
    Skip,
}

impl OnBadLine {
    /// Both, with the words for them.
    pub const ALL: [(&'static str, Self); 2] = [("stop", Self::Stop), ("skip", Self::Skip)];
}

/// Lines of a file that were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file, as it is known to the user.
    pub file: String,
    /// How many there are.
    pub lines: u64,
    /// What was wrong with the first, with its number.
    pub first: String,
}

/// Why a text was not taken.
pub(crate) enum Trouble {
    /// The document is at fault: others may be right.
    Document(String),
    /// Nothing more can be read, or taken.
    Stop(String),
}

impl Trouble {
    fn at_line(self, number: u64) -> Self {
        match self {
            Self::Document(why) => Self::Document(format!("line {number}: {why}")),
            Self::Stop(why) => Self::Stop(format!("line {number}: {why}")),
        }
    }
}

/// A file of texts that lies on this machine.
pub(crate) struct Source<'a> {
    pub path: &'a Path,
    /// The name it is known by, which tells how it is compressed.
    pub name: &'a str,
    pub format: Format,
    /// The field or column of a document's text.
    pub field: &'a str,
    pub on_bad_line: OnBadLine,
    skipped: RefCell<(u64, String)>,
}

impl<'a> Source<'a> {
    pub fn new(
        path: &'a Path,
        name: &'a str,
        format: Format,
        field: &'a str,
        on_bad_line: OnBadLine,
    ) -> Self {
        Self {
            path,
            name,
            format,
            field,
            on_bad_line,
            skipped: RefCell::default(),
        }
    }

    /// What was left out so far.
    pub fn skipped(&self) -> Option<Skipped> {
        let (lines, first) = self.skipped.borrow().clone();
        (lines > 0).then(|| Skipped {
            file: self.name.to_owned(),
            lines,
            first,
        })
    }

    /// Notes a document that is left out, where that is wanted.
    fn passed_over(&self, trouble: Trouble) -> Result<(), Trouble> {
        match trouble {
            Trouble::Document(why) if self.on_bad_line == OnBadLine::Skip => {
                let (lines, first) = &mut *self.skipped.borrow_mut();
                if *lines == 0 {
                    *first = why;
                }
                *lines += 1;
                Ok(())
            }
            other => Err(other),
        }
    }
}

/// What is done with each document; what goes wrong is told with the line it was on.
pub(crate) type Each<'a> = dyn FnMut(&str) -> Result<(), Trouble> + 'a;

/// What a file of texts holds.
pub(crate) enum Counted {
    /// Tokens of its texts.
    Texts(u64),
    /// Tokens that it has in lists: there is no text.
    Tokens(u64),
}

/// The tokens of a file.
pub(crate) fn count(
    source: &Source<'_>,
    encoder: &Encoder,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Counted, String> {
    if source.format == Format::Parquet
        && let Some(tokens) = parquet::tokens(source.path, source.field)?
    {
        progress(std::fs::metadata(source.path).map_or(0, |found| found.len()));
        return Ok(Counted::Tokens(tokens));
    }
    let mut tokens = 0;
    documents(source, progress, &mut |text| {
        tokens += encoder.count(text).map_err(Trouble::Document)?;
        Ok(())
    })?;
    Ok(Counted::Texts(tokens))
}

/// Goes through the documents of a file, in order. `progress` is called with bytes as they are read.
pub(crate) fn documents(
    source: &Source<'_>,
    progress: &(dyn Fn(u64) + Sync),
    each: &mut Each<'_>,
) -> Result<(), String> {
    read(source, progress, each).map_err(|trouble| match trouble {
        Trouble::Document(why) | Trouble::Stop(why) => why,
    })
}

fn read(
    source: &Source<'_>,
    progress: &(dyn Fn(u64) + Sync),
    each: &mut Each<'_>,
) -> Result<(), Trouble> {
    let stop = |error: std::io::Error| Trouble::Stop(error.to_string());
    let file = File::open(source.path).map_err(stop)?;
    if source.format == Format::Parquet {
        return parquet::texts(file, source, progress, each);
    }
    // Programs that compress nothing may write nothing.
    let is_regular = file.metadata().map_err(stop)?;
    if is_regular.is_file() && is_regular.len() == 0 {
        return Ok(());
    }
    let raw = Watched {
        inner: file,
        progress,
    };
    let name = source.name.to_ascii_lowercase();
    let reader: Box<dyn Read> = match name.rsplit_once('.').map(|(_, end)| end) {
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(raw)),
        Some("zst") => Box::new(zstd::stream::read::Decoder::new(raw).map_err(stop)?),
        _ => Box::new(raw),
    };
    let mut reader = BufReader::with_capacity(1 << 20, reader);
    begin(&mut reader)?;
    if source.format == Format::Text {
        return plain(reader, each);
    }
    jsonl(reader, source, each)
}

/// The mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Passes over the mark of UTF-8 at the beginning of a file, and refuses those of other encodings.
fn begin(reader: &mut impl BufRead) -> Result<(), Trouble> {
    let first = reader.fill_buf().map_err(|error| unreadable(&error))?;
    if first.starts_with(BOM) {
        reader.consume(BOM.len());
    } else if first.starts_with(b"\xff\xfe") || first.starts_with(b"\xfe\xff") {
        let why = "is UTF-16; convert it: iconv -f UTF-16 -t UTF-8";
        return Err(Trouble::Stop(why.to_owned()));
    }
    Ok(())
}

/// What the library says, and what to do where that is known.
fn unreadable(error: &std::io::Error) -> Trouble {
    let said = error.to_string();
    Trouble::Stop(if said.contains("requires too much memory") {
        format!(
            "{said}: it was compressed with a window of more than 2^27 bytes; compress it again: zstd -dc \
             --long=31 FILE | zstd > NEW"
        )
    } else {
        said
    })
}

/// A document that is not held in memory.
fn too_long(what: &str, limit: u64) -> Trouble {
    Trouble::Stop(format!(
        "{what} has more than {limit} bytes, which is the bound of a document; split it, or set {} to more, \
         such as {}M",
        DOCUMENT.variable,
        limit >> 18
    ))
}

/// A whole file as one document.
fn plain(mut reader: impl Read, each: &mut Each<'_>) -> Result<(), Trouble> {
    let limit = DOCUMENT.bytes();
    let mut bytes = Vec::new();
    let read = reader.by_ref().take(limit.saturating_add(1));
    let read = { read }.read_to_end(&mut bytes);
    read.map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > limit {
        return Err(too_long("the file", limit));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.split(|&byte| byte == b'\n').count();
        Trouble::Stop(format!("line {line}: no UTF-8 text"))
    })?;
    each(text)
}

fn jsonl(
    mut reader: impl BufRead,
    source: &Source<'_>,
    each: &mut Each<'_>,
) -> Result<(), Trouble> {
    let limit = DOCUMENT.bytes();
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        number += 1;
        let part = reader.by_ref().take(limit.saturating_add(1));
        let read = { part }.read_until(b'\n', &mut line);
        if read.map_err(|error| unreadable(&error).at_line(number))? == 0 {
            return Ok(());
        }
        // Not passed over as a bad line: its end may be as far away as its beginning.
        if line.len() as u64 > limit {
            return Err(too_long("it", limit).at_line(number));
        }
        // Files that were joined have the mark of UTF-8 at their former beginnings, too.
        let content = line.strip_prefix(BOM).unwrap_or(&line).trim_ascii();
        if content.is_empty() {
            continue;
        }
        json_line::text_of(content, source.field)
            .map_err(Trouble::Document)
            .and_then(|text| each(&text))
            .map_err(|trouble| trouble.at_line(number))
            .or_else(|trouble| source.passed_over(trouble))?;
    }
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

//! How large the pages of a Parquet file are once they are unpacked, from their headers, before any is.
//!
//! The library takes a page of any size, up to two gigabytes, and does not tell what a header says before it unpacks.
//! So the headers are read here: a `PageHeader` of parquet.thrift in Thrift's compact protocol, of which the second and
//! third fields are the sizes of the page unpacked and as it is stored.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use olmix_fs::FILE;
use parquet::file::metadata::ColumnChunkMetaData;

/// Bytes of a header that are read at first, and at most: statistics in it may be long.
const HEADER: u64 = 1 << 10;
const LONGEST: u64 = 16 << 20;
/// Levels of structures in a header; parquet.thrift has two.
const DEEPEST: usize = 8;

/// Refuses a column of a row group with a page of more bytes than [`FILE`] allows.
///
/// # Errors
/// A sentence that names the bound, or what is wrong with a header.
pub fn check_pages(file: &File, column: &ColumnChunkMetaData) -> Result<(), String> {
    check(file, column, FILE.bytes()).map(|_| ())
}

/// As [`check_pages`], with a bound. Returns the number of pages.
fn check(mut file: &File, column: &ColumnChunkMetaData, limit: u64) -> Result<usize, String> {
    let begin = column.dictionary_page_offset();
    let begin = begin.unwrap_or_else(|| column.data_page_offset());
    let negative = |_| "a column of it lies before its beginning".to_owned();
    let mut at = u64::try_from(begin).map_err(negative)?;
    let size = u64::try_from(column.compressed_size()).map_err(negative)?;
    let end = at.saturating_add(size);
    let mut pages = 0;
    while at < end {
        let mut length = HEADER;
        let header = loop {
            let mut bytes = Vec::new();
            let read = file
                .seek(SeekFrom::Start(at))
                .and_then(|_| file.take(length).read_to_end(&mut bytes));
            read.map_err(|error: io::Error| error.to_string())?;
            match Header::parse(&bytes) {
                Some(header) => break header,
                None if bytes.len() as u64 == length && length < LONGEST => length *= 8,
                None => return Err(format!("the header of a page at byte {at} can't be read")),
            }
        };
        if header.unpacked > limit {
            return Err(format!(
                "a page of it has {} bytes, and the bound is {limit}; write it with smaller pages, or set {} to more, \
                 such as {}M",
                header.unpacked,
                FILE.variable,
                header.unpacked.div_ceil(1 << 20)
            ));
        }
        pages += 1;
        at = at.saturating_add(header.length + header.stored);
    }
    Ok(pages)
}

/// What a page's header says.
struct Header {
    /// Bytes of the header itself.
    length: u64,
    unpacked: u64,
    stored: u64,
}

impl Header {
    /// `None` for bytes that are no header, or end within one.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Thrift { bytes, at: 0 };
        let (mut unpacked, mut stored) = (None, None);
        let mut field = 0;
        loop {
            let kind = reader.field(&mut field)?;
            match (field, kind) {
                (_, Kind::END) => break,
                (2 | 3, Kind::INTEGER) => {
                    let number = u64::try_from(reader.signed()?).ok()?;
                    *(if field == 2 {
                        &mut unpacked
                    } else {
                        &mut stored
                    }) = Some(number);
                }
                _ => reader.skip(kind, DEEPEST)?,
            }
        }
        Some(Self {
            length: reader.at as u64,
            unpacked: unpacked?,
            stored: stored?,
        })
    }
}

/// A type of the compact protocol, as it is numbered there.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind(u8);

impl Kind {
    /// The end of a structure.
    const END: Self = Self(0);
    /// Of 32 bits.
    const INTEGER: Self = Self(5);
}

/// Thrift's compact protocol, as far as a header needs it.
struct Thrift<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// The type of the next field of a structure, with its number in `number`.
    fn field(&mut self, number: &mut i64) -> Option<Kind> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(Kind::END);
        }
        *number = match byte >> 4 {
            0 => self.signed()?,
            delta => number.checked_add(i64::from(delta))?,
        };
        Some(Kind(byte & 0xf))
    }

    fn skip(&mut self, kind: Kind, levels: usize) -> Option<()> {
        let levels = levels.checked_sub(1)?;
        match kind.0 {
            // True and false, of which the type is the value.
            1 | 2 => {}
            3 => self.at += 1,
            4..=6 => drop(self.unsigned()?),
            7 => self.at += 8,
            8 => {
                let length = usize::try_from(self.unsigned()?).ok()?;
                self.at = self.at.checked_add(length)?;
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.unsigned()?,
                    few => u64::from(few),
                };
                for _ in 0..count {
                    match head & 0xf {
                        // In a list they have a byte each.
                        1 | 2 => drop(self.byte()?),
                        kind => self.skip(Kind(kind), levels)?,
                    }
                    self.within()?;
                }
            }
            12 => {
                let mut field = 0;
                loop {
                    match self.field(&mut field)? {
                        Kind::END => break,
                        kind => self.skip(kind, levels)?,
                    }
                }
            }
            // parquet.thrift has no maps in headers.
            _ => return None,
        }
        self.within()
    }

    fn within(&self) -> Option<()> {
        (self.at <= self.bytes.len()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    /// A file of one column of texts: many short ones, and one of two megabytes.
    fn write(path: &std::path::Path, properties: WriterProperties) {
        let schema = parse_message_type("message m { required binary text (UTF8); }").unwrap();
        let file = File::create(path).unwrap();
        let mut writer =
            SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        for round in 0..30 {
            let text = |i: usize| {
                ByteArray::from(format!("{round} {}", "word ".repeat(i % 50)).into_bytes())
            };
            let mut texts: Vec<ByteArray> = (0..1000).map(text).collect();
            if round == 20 {
                texts = vec![ByteArray::from(vec![b'a'; 2 << 20])];
            }
            let typed = column.typed::<ByteArrayType>();
            typed.write_batch(&texts, None, None).unwrap();
        }
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn pages_are_as_many_as_the_library_reads_and_none_may_be_larger_than_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        for compression in [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(GzipLevel::default()),
            Compression::BROTLI(BrotliLevel::default()),
            Compression::ZSTD(ZstdLevel::default()),
            Compression::LZ4_RAW,
        ] {
            for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
                let properties = WriterProperties::builder()
                    .set_compression(compression)
                    .set_writer_version(version)
                    .set_data_page_size_limit(100_000)
                    .set_dictionary_enabled(version == WriterVersion::PARQUET_2_0)
                    .set_statistics_enabled(EnabledStatistics::Page)
                    .set_write_page_header_statistics(true)
                    .set_statistics_truncate_length(None)
                    .build();
                write(&path, properties);
                let file = File::open(&path).unwrap();
                let reader = SerializedFileReader::new(file.try_clone().unwrap()).unwrap();
                let group = reader.get_row_group(0).unwrap();
                let pages = group.get_column_page_reader(0).unwrap().count();
                let column = group.metadata().column(0);
                assert!(pages > 2, "{pages}");
                assert_eq!(check(&file, column, 4 << 20), Ok(pages), "{compression}");
                let message = check(&file, column, 1 << 20).unwrap_err();
                assert!(
                    message.contains("OLMIX_MAX_FILE to more, such as 3M"),
                    "{message}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_header_is_none() {
        for bytes in [
            &b""[..],
            b"\0",
            b"PAR1",
            &[0x15; 40],
            &[0x1c; 100],
            &[0xff; 100],
        ] {
            assert!(Header::parse(bytes).is_none(), "{bytes:?}");
        }
        // Type 0, sizes 21 and 34, and the end.
        let found = Header::parse(&[0x15, 0, 0x15, 42, 0x15, 68, 0, 9]).unwrap();
        assert_eq!((found.length, found.unpacked, found.stored), (7, 21, 34));
    }
}

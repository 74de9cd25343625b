//! Shards that hold tokens of a fixed width and nothing else: counted by their sizes.

/// Bytes that are enough for any NPY header of a few dimensions, and for that of an `.idx` file.
pub(crate) const HEAD: u64 = 4096;

/// What the header of an NPY file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Npy {
    /// Where tokens begin.
    pub offset: u64,
    pub width: u64,
    pub big_endian: bool,
    /// How many there are; `None` where the header is known to be like another's, but was not read.
    pub tokens: Option<u64>,
    /// Whether columns are stored one after another, so that rows are not sequences of tokens.
    pub by_column: bool,
}

/// Reads the header of an NPY file, given its first bytes; `None` for files that have none.
///
/// The format is NumPy's `lib.format`, versions 1 to 3.
pub(crate) fn npy(head: &[u8]) -> Result<Option<Npy>, String> {
    let Some(rest) = head.strip_prefix(b"\x93NUMPY") else {
        return Ok(None);
    };
    let broken = || "the NPY header is broken".to_owned();
    let (length, start) = match *rest {
        [1, _, a, b, ..] => (u64::from(u16::from_le_bytes([a, b])), 10),
        [2 | 3, _, a, b, c, d, ..] => (u64::from(u32::from_le_bytes([a, b, c, d])), 12),
        _ => return Err(broken()),
    };
    let offset = start + length;
    let header = usize::try_from(offset)
        .ok()
        .and_then(|end| head.get(start as usize..end));
    let header = header.ok_or_else(broken)?;
    let header = String::from_utf8_lossy(header);
    let value = |key: &str| {
        let (_, rest) = header.split_once(key)?;
        Some(rest.trim_start())
    };
    let kind = value("'descr':")
        .and_then(|text| text.strip_prefix('\''))
        .and_then(|text| {
            let (kind, _) = text.split_once('\'')?;
            Some(kind)
        });
    let width = match kind.map(|kind| kind.trim_start_matches(['<', '|', '=', '>'])) {
        Some("u1" | "i1") => 1,
        Some("u2" | "i2") => 2,
        Some("u4" | "i4") => 4,
        Some("u8" | "i8") => 8,
        Some(other) => {
            return Err(format!(
                "its NPY header says `{other}`, and tokens are whole numbers"
            ));
        }
        None => return Err(broken()),
    };
    let shape = value("'shape':").and_then(|text| {
        let (shape, _) = text.strip_prefix('(')?.split_once(')')?;
        let lengths = shape.split(',').map(str::trim);
        let lengths = lengths.filter(|length| !length.is_empty());
        lengths
            .map(|length| length.parse::<u64>().ok())
            .collect::<Option<Vec<u64>>>()
    });
    let shape = shape.ok_or_else(broken)?;
    let tokens = shape.iter().try_fold(1, |all: u64, &n| all.checked_mul(n));
    let by_column = value("'fortran_order':").is_some_and(|text| text.starts_with("True"));
    Ok(Some(Npy {
        offset,
        width,
        big_endian: width > 1 && kind.is_some_and(|kind| kind.starts_with('>')),
        tokens: Some(tokens.ok_or_else(broken)?),
        by_column: by_column && shape.len() > 1,
    }))
}

/// Tokens in a shard of `size` bytes, of which the first `offset` are a header.
pub(crate) fn tokens(size: u64, offset: u64, width: u64) -> Result<u64, String> {
    let bytes = size
        .checked_sub(offset)
        .ok_or_else(|| format!("has {size} bytes, fewer than its header"))?;
    if bytes % width == 0 {
        Ok(bytes / width)
    } else {
        Err(format!(
            "{bytes} bytes are not a multiple of {width}, the width of a token; check `data.dtype`"
        ))
    }
}

/// That a shard has as many bytes of tokens as another file or its header says; `whose` is that.
pub(crate) fn agree(found: u64, said: u64, whose: &str) -> Result<(), String> {
    if found == said {
        return Ok(());
    }
    let how = if found < said {
        "it was cut short"
    } else {
        "it has grown"
    };
    Err(format!(
        "{how}: it has {found} bytes of tokens, and {whose} says {said}"
    ))
}

/// Bytes in the head of a Megatron index: magic, version, type and two counts.
pub(crate) const MEGATRON_HEAD: u64 = 9 + 8 + 1 + 8 + 8;

/// What the first bytes of a Megatron `.idx` say: the width of tokens, and the number of sequences.
pub(crate) fn megatron(idx: &[u8]) -> Result<(u64, u64), String> {
    let rest = idx
        .strip_prefix(b"MMIDIDX\x00\x00")
        .ok_or("its .idx file is not a Megatron index")?;
    // A version of eight bytes, then the code of the type.
    let width = match rest.get(8).copied() {
        Some(1 | 2) => 1,
        Some(3 | 8) => 2,
        Some(4) => 4,
        Some(5) => 8,
        Some(_) => return Err("its .idx file says that it holds no tokens".to_owned()),
        None => return Err(SHORT_INDEX.to_owned()),
    };
    let count = rest.get(9..17).and_then(|bytes| bytes.try_into().ok());
    let count = count.map(u64::from_le_bytes).ok_or(SHORT_INDEX)?;
    Ok((width, count))
}

/// That an index ends before its tables do.
pub(crate) const SHORT_INDEX: &str = "its .idx file was cut short";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use super::*;

    fn header(version: u8, dict: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend(u16::try_from(dict.len()).unwrap().to_le_bytes()),
            _ => bytes.extend(u32::try_from(dict.len()).unwrap().to_le_bytes()),
        }
        bytes.extend(dict.as_bytes());
        bytes
    }

    #[test]
    fn npy_headers_of_every_version_say_where_tokens_begin() {
        let dict = "{'descr': '<u2', 'fortran_order': False, 'shape': (5,), }      \n";
        let found = npy(&header(1, dict)).unwrap().unwrap();
        assert_eq!(
            found,
            Npy {
                offset: 10 + dict.len() as u64,
                width: 2,
                big_endian: false,
                tokens: Some(5),
                by_column: false,
            }
        );
        let found = npy(&header(3, dict)).unwrap().unwrap();
        assert_eq!(found.offset, 12 + dict.len() as u64);
    }

    #[test]
    fn npy_headers_say_byte_order_shape_and_order_of_columns() {
        for (dict, expected) in [
            (
                "{'descr': '>u2', 'fortran_order': False, 'shape': (3, 4), }",
                (true, 12, false),
            ),
            (
                "{'descr': '|u1', 'fortran_order': True, 'shape': (7,), }",
                (false, 7, false),
            ),
            (
                "{'descr': '>i4', 'fortran_order': True, 'shape': (2, 5), }",
                (true, 10, true),
            ),
            (
                "{'descr': '<u2', 'fortran_order': False, 'shape': (), }",
                (false, 1, false),
            ),
            (
                "{'descr': '<u2', 'fortran_order': False, 'shape': (0,), }",
                (false, 0, false),
            ),
        ] {
            let found = npy(&header(1, dict)).unwrap().unwrap();
            let found = (found.big_endian, found.tokens.unwrap(), found.by_column);
            assert_eq!(found, expected, "{dict}");
        }
    }

    #[test]
    fn raw_tokens_have_no_header_and_numbers_that_are_no_tokens_are_refused() {
        assert_eq!(npy(&[1, 2, 3, 4]).unwrap(), None);
        assert!(npy(&header(1, "{'descr': '<f4', 'shape': (5,), }")).is_err());
        assert!(npy(&header(1, "{'descr': '<u2', }")).is_err());
        assert!(npy(b"\x93NUMPY\x01").is_err());
        assert!(npy(&header(1, "{'descr': '<u2'")[..20]).is_err());
    }

    #[test]
    fn a_size_that_is_not_a_multiple_of_the_width_is_refused() {
        assert_eq!(tokens(400, 0, 4), Ok(100));
        assert_eq!(tokens(0, 0, 4), Ok(0));
        assert!(
            tokens(401, 0, 4)
                .unwrap_err()
                .contains("not a multiple of 4")
        );
        assert!(tokens(4, 128, 4).is_err());
    }
}

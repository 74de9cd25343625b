//! Shards that hold tokens of a fixed width and nothing else: counted by their sizes.

/// Bytes that are enough for any NPY header of one dimension, and for that of an `.idx` file.
pub(crate) const HEAD: u64 = 4096;

/// Where tokens begin in a file with an NPY header, and how wide they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Npy {
    pub offset: u64,
    pub width: u64,
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
    let described = header
        .split_once("'descr':")
        .map(|(_, rest)| rest.trim_start());
    let kind = described
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
    Ok(Some(Npy { offset, width }))
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

/// Width of the tokens of a Megatron `.bin`, given the first bytes of its `.idx`.
pub(crate) fn megatron_width(idx: &[u8]) -> Result<u64, String> {
    let rest = idx
        .strip_prefix(b"MMIDIDX\x00\x00")
        .ok_or("its .idx file is not a Megatron index")?;
    // A version of eight bytes, then the code of the type.
    match rest.get(8).copied() {
        Some(1 | 2) => Ok(1),
        Some(3 | 8) => Ok(2),
        Some(4) => Ok(4),
        Some(5) => Ok(8),
        _ => Err("its .idx file says that it holds no tokens".to_owned()),
    }
}

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
                width: 2
            }
        );
        let found = npy(&header(3, dict)).unwrap().unwrap();
        assert_eq!(found.offset, 12 + dict.len() as u64);
    }

    #[test]
    fn raw_tokens_have_no_header_and_numbers_that_are_no_tokens_are_refused() {
        assert_eq!(npy(&[1, 2, 3, 4]).unwrap(), None);
        assert!(npy(&header(1, "{'descr': '<f4', 'shape': (5,), }")).is_err());
        assert!(npy(b"\x93NUMPY\x01").is_err());
        assert!(npy(&header(1, "{'descr': '<u2'")[..20]).is_err());
    }

    #[test]
    fn a_size_that_is_no_multiple_of_the_width_is_refused() {
        assert_eq!(tokens(400, 0, 4), Ok(100));
        assert_eq!(tokens(0, 0, 4), Ok(0));
        assert!(tokens(401, 0, 4).unwrap_err().contains("no multiple of 4"));
        assert!(tokens(4, 128, 4).is_err());
    }
}

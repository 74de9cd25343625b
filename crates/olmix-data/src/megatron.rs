//! The index beside a `.bin` of tokens, as Megatron-LM and GPT-NeoX read it.

use std::io::{self, Write};

use crate::Dtype;

const MAGIC: &[u8] = b"MMIDIDX\x00\x00";

/// Bytes of the index of so many documents.
pub(crate) fn index_size(documents: u64) -> u64 {
    // Magic, version, type, two counts; a length, a place and a begin per document, and an end.
    9 + 8 + 1 + 8 + 8 + documents * (4 + 8 + 8) + 8
}

/// Writes the index of documents of so many tokens each: a sequence per document.
pub(crate) fn write_index(out: &mut impl Write, dtype: Dtype, lengths: &[i32]) -> io::Result<()> {
    let count = lengths.len() as u64;
    out.write_all(MAGIC)?;
    out.write_all(&1_u64.to_le_bytes())?;
    // Megatron knows no unsigned type of four bytes; tokens are far below its limit.
    let code: u8 = match dtype {
        Dtype::Uint16 => 8,
        Dtype::Uint32 => 4,
    };
    out.write_all(&[code])?;
    out.write_all(&count.to_le_bytes())?;
    out.write_all(&(count + 1).to_le_bytes())?;
    for length in lengths {
        out.write_all(&length.to_le_bytes())?;
    }
    let mut place = 0_u64;
    for &length in lengths {
        out.write_all(&place.to_le_bytes())?;
        place += u64::from(length.unsigned_abs()) * dtype.width();
    }
    for document in 0..=count {
        out.write_all(&document.to_le_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_megatron_index_is_laid_out_as_megatron_reads_it() {
        let mut found = Vec::new();
        write_index(&mut found, Dtype::Uint16, &[3, 5]).unwrap();
        let mut expected = b"MMIDIDX\x00\x00".to_vec();
        expected.extend(1_u64.to_le_bytes());
        expected.push(8); // uint16
        expected.extend(2_u64.to_le_bytes()); // sequences
        expected.extend(3_u64.to_le_bytes()); // entries of the last table
        expected.extend([3_i32, 5].map(i32::to_le_bytes).concat());
        expected.extend([0_i64, 6].map(i64::to_le_bytes).concat());
        expected.extend([0_i64, 1, 2].map(i64::to_le_bytes).concat());
        assert_eq!(found, expected);
        assert_eq!(found.len() as u64, index_size(2));
        let mut wide = Vec::new();
        write_index(&mut wide, Dtype::Uint32, &[3, 5]).unwrap();
        assert_eq!(
            (wide[17], wide[50]),
            (4, 12),
            "int32, the second at byte 12"
        );
    }
}

//! The wire format of protocol buffers: what the few messages that are read here are made of.

/// The value of a field, of any of the wire types that are in use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'m> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'m [u8]),
    Fixed32(u32),
}

impl<'m> Field<'m> {
    /// A message, a text or bytes; empty for anything else.
    pub fn bytes(self) -> &'m [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// A text; what is not UTF-8 in it is replaced.
    pub fn text(self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// A whole number (`int32`, `int64`, `bool`, `enum`).
    #[expect(
        clippy::cast_possible_wrap,
        reason = "negative numbers are stored in two's complement"
    )]
    pub fn whole(self) -> i64 {
        match self {
            Self::Varint(number) => number as i64,
            _ => 0,
        }
    }

    /// A `google.protobuf.Timestamp`, in nanoseconds since 1970.
    pub fn timestamp(self) -> i128 {
        let part = |(number, field): (u64, Field<'_>)| match number {
            1 => i128::from(field.whole()) * 1_000_000_000,
            2 => i128::from(field.whole()),
            _ => 0,
        };
        Fields::of(self.bytes()).map(part).sum()
    }
}

/// The fields of a message, in the order of its bytes. What is malformed ends them.
#[derive(Debug, Clone)]
pub struct Fields<'m> {
    rest: &'m [u8],
}

impl<'m> Fields<'m> {
    pub fn of(message: &'m [u8]) -> Self {
        Self { rest: message }
    }

    /// How many bytes are not read yet.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for (place, &byte) in self.rest.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                self.rest = &self.rest[place + 1..];
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'m [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Field<'m>)> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        Some((tag >> 3, field))
    }
}

impl<'m> Iterator for Fields<'m> {
    type Item = (u64, Field<'m>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_their_wire_types_and_end_at_what_is_malformed() {
        // From the encoding guide of protocol buffers: 1: 150, 2: "testing"; then a double and a float.
        let mut message = vec![0x08, 0x96, 0x01, 0x12, 0x07];
        message.extend(b"testing");
        message.push(0x19);
        message.extend(1.5_f64.to_le_bytes());
        message.push(0x25);
        message.extend(2.5_f32.to_le_bytes());
        let whole: Vec<_> = Fields::of(&message).collect();
        let expected = [
            (1, Field::Varint(150)),
            (2, Field::Bytes(b"testing")),
            (3, Field::Fixed64(1.5_f64.to_bits())),
            (4, Field::Fixed32(2.5_f32.to_bits())),
        ];
        assert_eq!(whole, expected);
        for cut in 0..message.len() {
            assert!(Fields::of(&message[..cut]).count() < 4);
        }
        assert_eq!(Fields::of(&[0x0b, 1, 2]).next(), None);
        assert_eq!(Fields::of(&[0xff; 12]).next(), None);
    }
}

//! The wire format of Protocol Buffers: the fields of a message, one after another.
//!
//! Nothing is copied and nothing allocated: a field's bytes are a slice of the file. A message
//! inside a message is read by another [`Fields`] over its slice, so whoever reads decides how
//! deep to go and how many entries to keep.
//!
//! Source: Protocol Buffers Documentation, “Encoding”.

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("it ends in the middle of a field")]
    Truncated,
    #[error("a number is longer than ten bytes")]
    VarintTooLong,
    #[error("a field has number 0 or a kind that does not exist")]
    NoSuchField,
    #[error("field {0} holds another kind of value than it should")]
    WrongKind(u32),
    #[error("a name is not UTF-8")]
    NotUtf8,
    #[error("there are more than {limit} {what}")]
    TooMany { limit: usize, what: &'static str },
}

/// What one field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// A field: its number in the message, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
}

impl<'a> Field<'a> {
    /// The bytes of a message, a string, or a packed list.
    pub(crate) fn bytes(self) -> Result<&'a [u8], WireError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(WireError::WrongKind(self.number)),
        }
    }

    /// A string.
    pub(crate) fn text(self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.bytes()?)
            .ok()
            .ok_or(WireError::NotUtf8)
    }

    /// An int32, an int64 or an enumeration: negative numbers take ten bytes in all of them.
    pub(crate) fn int(self) -> Result<i64, WireError> {
        match self.value {
            Value::Varint(value) => Ok(value as i64),
            _ => Err(WireError::WrongKind(self.number)),
        }
    }

    /// A float.
    pub(crate) fn float(self) -> Result<f32, WireError> {
        match self.value {
            Value::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(WireError::WrongKind(self.number)),
        }
    }

    /// The integers of a repeated field, which lie in one packed field or in one field each.
    pub(crate) fn ints(self) -> Result<impl Iterator<Item = Result<i64, WireError>>, WireError> {
        let (one, mut packed) = match self.value {
            Value::Varint(value) => (Some(value), &[][..]),
            Value::Bytes(bytes) => (None, bytes),
            _ => return Err(WireError::WrongKind(self.number)),
        };
        let packed = std::iter::from_fn(move || (!packed.is_empty()).then(|| varint(&mut packed)));
        Ok(one
            .map(Ok)
            .into_iter()
            .chain(packed)
            .map(|value| value.map(|value| value as i64)))
    }

    /// The floats of a repeated field, packed or one field each.
    pub(crate) fn floats(self) -> Result<impl Iterator<Item = f32>, WireError> {
        let (one, packed) = match self.value {
            Value::Fixed32(bytes) => (Some(bytes), &[][..]),
            _ => (None, chunks(self.bytes()?)?),
        };
        Ok(one
            .into_iter()
            .chain(packed.iter().copied())
            .map(f32::from_le_bytes))
    }

    /// The doubles of a repeated field, packed or one field each.
    pub(crate) fn doubles(self) -> Result<impl Iterator<Item = f64>, WireError> {
        let (one, packed) = match self.value {
            Value::Fixed64(bytes) => (Some(bytes), &[][..]),
            _ => (None, chunks(self.bytes()?)?),
        };
        Ok(one
            .into_iter()
            .chain(packed.iter().copied())
            .map(f64::from_le_bytes))
    }
}

fn chunks<const N: usize>(bytes: &[u8]) -> Result<&[[u8; N]], WireError> {
    match bytes.as_chunks() {
        (chunks, []) => Ok(chunks),
        _ => Err(WireError::Truncated),
    }
}

/// Reads the fields of one message.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Result<Field<'a>, WireError> {
        let key = varint(&mut self.rest)?;
        let number = u32::try_from(key >> 3).ok().filter(|&number| number > 0);
        let number = number.ok_or(WireError::NoSuchField)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut self.rest)?),
            1 => Value::Fixed64(array(&mut self.rest)?),
            2 => {
                let length = varint(&mut self.rest)?;
                let length = usize::try_from(length).ok().ok_or(WireError::Truncated)?;
                let (bytes, rest) = self
                    .rest
                    .split_at_checked(length)
                    .ok_or(WireError::Truncated)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            5 => Value::Fixed32(array(&mut self.rest)?),
            // 3 and 4 are the groups of long ago, which ONNX never had.
            _ => return Err(WireError::NoSuchField),
        };
        Ok(Field { number, value })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (bytes, after) = rest.split_first_chunk().ok_or(WireError::Truncated)?;
    *rest = after;
    Ok(*bytes)
}

/// Seven bits a byte, the lowest first; a byte without the eighth bit is the last.
fn varint(rest: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(WireError::Truncated)?;
        *rest = after;
        // The tenth byte has one bit to give; as everyone's readers do, what is above is dropped.
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(WireError::VarintTooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<Field<'_>>, WireError> {
        Fields::new(bytes).collect()
    }

    #[test]
    fn the_documents_examples_are_read() {
        // From “Encoding”: 150 as field 1, “testing” as field 2, a packed [3, 270, 86942] as 6.
        let read = fields(&[0x08, 0x96, 0x01]).unwrap();
        assert_eq!(
            read,
            [Field {
                number: 1,
                value: Value::Varint(150)
            }]
        );
        let read = fields(&[0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]).unwrap();
        assert_eq!(read[0].text(), Ok("testing"));
        let read = fields(&[0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]).unwrap();
        let ints: Result<Vec<i64>, _> = read[0].ints().unwrap().collect();
        assert_eq!(ints, Ok(vec![3, 270, 86942]));
    }

    #[test]
    fn negative_numbers_take_ten_bytes() {
        let minus_two = [
            0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ];
        assert_eq!(fields(&minus_two).unwrap()[0].int(), Ok(-2));
        let endless = [
            0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ];
        assert_eq!(fields(&endless), Err(WireError::VarintTooLong));
    }

    #[test]
    fn floats_lie_in_one_field_or_in_one_each() {
        let packed = [0x12, 0x08, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40];
        let floats: Vec<f32> = fields(&packed).unwrap()[0].floats().unwrap().collect();
        assert_eq!(floats, [1.0, 2.0]);
        let each = [0x15, 0, 0, 0x80, 0x3f, 0x15, 0, 0, 0, 0x40];
        let floats: Vec<f32> = fields(&each)
            .unwrap()
            .iter()
            .flat_map(|field| field.floats().unwrap())
            .collect();
        assert_eq!(floats, [1.0, 2.0]);
        let double = [0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
        assert_eq!(
            fields(&double).unwrap()[0].doubles().unwrap().next(),
            Some(1.0)
        );
    }

    #[test]
    fn what_ends_early_or_contradicts_itself_is_an_error() {
        assert_eq!(fields(&[0x08]), Err(WireError::Truncated));
        assert_eq!(fields(&[0x12, 0x07, 0x74]), Err(WireError::Truncated));
        assert_eq!(fields(&[0x0d, 0, 0, 0]), Err(WireError::Truncated));
        // A length of 2^63.
        let long = [
            0x12, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01,
        ];
        assert_eq!(fields(&long), Err(WireError::Truncated));
        // Field 0, a group, and kind 7.
        assert_eq!(fields(&[0x00, 0x01]), Err(WireError::NoSuchField));
        assert_eq!(fields(&[0x0b]), Err(WireError::NoSuchField));
        assert_eq!(fields(&[0x0f]), Err(WireError::NoSuchField));
        let number = fields(&[0x08, 0x01]).unwrap()[0];
        assert_eq!(number.bytes(), Err(WireError::WrongKind(1)));
        assert!(fields(&[0x12, 0x03, 0, 0, 0]).unwrap()[0].floats().is_err());
    }
}

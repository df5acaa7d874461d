//! FlatBuffers, as far as TensorFlow Lite's files need them: every access is checked, nothing is
//! allocated that the file does not hold.
//!
//! The official crate checks files by code that is generated from a schema; TensorFlow Lite's makes
//! twenty thousand lines, of which forty fields matter here.
//!
//! # Source
//!
//! FlatBuffers' “Internals”: a table begins with a signed offset back to its list of fields, which
//! holds its own size, the table's, and the place of each field in the table, 0 where it is absent.

use std::cell::Cell;

use crate::error::{Error, Result};

/// A file, and how many more bytes of it may be copied: a file may name the same list a thousand
/// times.
#[derive(Debug)]
pub(super) struct Buffer<'a> {
    bytes: &'a [u8],
    left: Cell<usize>,
}

/// A table in a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    buffer: &'a Buffer<'a>,
    position: usize,
    /// Where the places of its fields stand.
    fields: usize,
    field_count: usize,
}

/// A list in a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<'a> {
    buffer: &'a Buffer<'a>,
    position: usize,
    length: usize,
}

/// A number as it stands in a buffer, least byte first.
pub(super) trait Scalar: Sized {
    /// Bytes of it.
    const SIZE: usize;
    /// The number, of so many bytes.
    fn of(bytes: &[u8]) -> Self;
}

macro_rules! scalars {
    ($($type:ty),*) => {$(
        impl Scalar for $type {
            const SIZE: usize = size_of::<$type>();
            fn of(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$type>()];
                own.copy_from_slice(bytes);
                <$type>::from_le_bytes(own)
            }
        }
    )*};
}
scalars!(u8, i8, u16, i32, u32, f32, i64, u64);

impl<'a> Buffer<'a> {
    /// Of a file's bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let left = Cell::new(bytes.len().saturating_mul(8).saturating_add(1 << 16));
        Self { bytes, left }
    }

    /// All of its bytes.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its outermost table.
    pub(super) fn root(&'a self) -> Result<Table<'a>> {
        Table::at(self, self.follow(0)?)
    }

    /// Where the offset at `position` leads.
    fn follow(&self, position: usize) -> Result<usize> {
        let offset = self.number::<u32>(position)? as usize;
        position.checked_add(offset).ok_or_else(outside)
    }

    fn number<T: Scalar>(&self, position: usize) -> Result<T> {
        self.slice(position, T::SIZE).map(T::of)
    }

    fn slice(&self, position: usize, length: usize) -> Result<&'a [u8]> {
        position
            .checked_add(length)
            .and_then(|end| self.bytes.get(position..end))
            .ok_or_else(outside)
    }

    /// Bytes that will be copied.
    fn slice_to_copy(&self, position: usize, length: usize) -> Result<&'a [u8]> {
        let slice = self.slice(position, length)?;
        let left = self
            .left
            .get()
            .checked_sub(length)
            .ok_or_else(|| Error::Damaged {
                format: "TensorFlow Lite",
                detail: "it names the same lists over and over".into(),
            })?;
        self.left.set(left);
        Ok(slice)
    }
}

impl<'a> Table<'a> {
    fn at(buffer: &'a Buffer<'a>, position: usize) -> Result<Self> {
        let back = i64::from(buffer.number::<i32>(position)?);
        let fields = usize::try_from(position as i64 - back)
            .ok()
            .ok_or_else(outside)?;
        let size = usize::from(buffer.number::<u16>(fields)?);
        buffer.slice(fields, size.max(4))?;
        Ok(Self {
            buffer,
            position,
            fields: fields + 4,
            field_count: (size / 2).saturating_sub(2),
        })
    }

    /// Where a field stands; nothing if it is absent.
    fn field(&self, field: usize) -> Result<Option<usize>> {
        if field >= self.field_count {
            return Ok(None);
        }
        match self.buffer.number::<u16>(self.fields + 2 * field)? {
            0 => Ok(None),
            place => Ok(Some(self.position + usize::from(place))),
        }
    }

    /// A number; `default` if it is absent.
    pub(super) fn number<T: Scalar>(&self, field: usize, default: T) -> Result<T> {
        match self.field(field)? {
            Some(position) => self.buffer.number(position),
            None => Ok(default),
        }
    }

    /// A table.
    pub(super) fn table(&self, field: usize) -> Result<Option<Table<'a>>> {
        let Some(position) = self.field(field)? else {
            return Ok(None);
        };
        Table::at(self.buffer, self.buffer.follow(position)?).map(Some)
    }

    /// A list; an empty one if it is absent.
    pub(super) fn list(&self, field: usize) -> Result<List<'a>> {
        let empty = List {
            buffer: self.buffer,
            position: 0,
            length: 0,
        };
        let Some(position) = self.field(field)? else {
            return Ok(empty);
        };
        let position = self.buffer.follow(position)?;
        let length = self.buffer.number::<u32>(position)? as usize;
        // Every element takes a byte at least.
        self.buffer.slice(position + 4, length)?;
        Ok(List {
            buffer: self.buffer,
            position: position + 4,
            length,
        })
    }

    /// All numbers of a list.
    pub(super) fn numbers<T: Scalar>(&self, field: usize) -> Result<Vec<T>> {
        let list = self.list(field)?;
        let size = list.length.checked_mul(T::SIZE).ok_or_else(outside)?;
        let bytes = self.buffer.slice_to_copy(list.position, size)?;
        Ok(bytes.chunks_exact(T::SIZE).map(T::of).collect())
    }

    /// A list of bytes, where it lies.
    pub(super) fn bytes(&self, field: usize) -> Result<&'a [u8]> {
        let list = self.list(field)?;
        self.buffer.slice(list.position, list.length)
    }

    /// A text; “” if it is absent. What is no UTF-8 is replaced.
    pub(super) fn text(&self, field: usize) -> Result<String> {
        let list = self.list(field)?;
        let bytes = self.buffer.slice_to_copy(list.position, list.length)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// A list of tables.
    pub(super) fn tables(&self, field: usize) -> Result<List<'a>> {
        let list = self.list(field)?;
        let size = list.length.checked_mul(4).ok_or_else(outside)?;
        self.buffer.slice(list.position, size)?;
        Ok(list)
    }
}

impl<'a> List<'a> {
    /// Elements of it.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// One table of a list of tables.
    pub(super) fn table(&self, index: usize) -> Result<Table<'a>> {
        if index >= self.length {
            return Err(outside());
        }
        let position = self.position + 4 * index;
        Table::at(self.buffer, self.buffer.follow(position)?)
    }

    /// All tables of a list of tables.
    pub(super) fn iter(self) -> impl Iterator<Item = Result<Table<'a>>> {
        (0..self.length).map(move |index| self.table(index))
    }
}

fn outside() -> Error {
    Error::Damaged {
        format: "TensorFlow Lite",
        detail: "it points outside of itself, as if its end were missing".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{0: 7u8, 1: "ab", 2: absent, 3: [{0: 5u8}, {0: 5u8}]}`, laid out by hand.
    fn bytes() -> Vec<u8> {
        let mut buffer = Vec::new();
        buffer.extend(16u32.to_le_bytes()); // 0: root
        // 4: fields of the root: size 12, table of 16, places of four fields.
        buffer.extend(
            [12u16, 16, 4, 8, 0, 12]
                .iter()
                .flat_map(|n| n.to_le_bytes()),
        );
        buffer.extend(12i32.to_le_bytes()); // 16: the root: 12 bytes back to its fields
        buffer.extend([7, 0, 0, 0]); // 20: field 0
        buffer.extend(8u32.to_le_bytes()); // 24: field 1: at 32
        buffer.extend(12u32.to_le_bytes()); // 28: field 3: at 40
        buffer.extend(2u32.to_le_bytes()); // 32: two bytes
        buffer.extend(*b"ab\0\0"); // 36
        buffer.extend(2u32.to_le_bytes()); // 40: two tables
        buffer.extend(16u32.to_le_bytes()); // 44: at 60
        buffer.extend(12u32.to_le_bytes()); // 48: at 60 again
        buffer.extend([6u16, 8, 4, 0].iter().flat_map(|n| n.to_le_bytes())); // 52: fields
        buffer.extend(8i32.to_le_bytes()); // 60: the table
        buffer.extend([5, 0, 0, 0]); // 64: its field
        buffer
    }

    #[test]
    fn numbers_texts_and_tables() {
        let bytes = bytes();
        let buffer = Buffer::new(&bytes);
        let root = buffer.root().unwrap();
        assert_eq!(root.number::<u8>(0, 1).unwrap(), 7);
        assert_eq!(root.text(1).unwrap(), "ab");
        assert_eq!(root.number::<i32>(2, -3).unwrap(), -3);
        assert!(root.table(9).unwrap().is_none());
        let tables: Vec<_> = root
            .tables(3)
            .unwrap()
            .iter()
            .collect::<Result<_>>()
            .unwrap();
        let fields = tables.iter().map(|table| table.number::<u8>(0, 0).unwrap());
        assert_eq!(fields.collect::<Vec<_>>(), [5, 5]);
        assert!(root.tables(3).unwrap().table(2).is_err());
    }

    #[test]
    fn the_same_list_is_not_copied_for_ever() {
        let bytes = bytes();
        let buffer = Buffer::new(&bytes);
        let root = buffer.root().unwrap();
        let copied = (0..1 << 20).take_while(|_| root.text(1).is_ok()).count();
        assert!(copied < 1 << 17);
    }

    #[test]
    fn whatever_the_bytes_no_access_leaves_the_buffer() {
        let whole = bytes();
        let read = |bytes: &[u8]| -> Result<()> {
            let buffer = Buffer::new(bytes);
            let root = buffer.root()?;
            root.number::<u64>(0, 0)?;
            root.text(1)?;
            root.numbers::<i64>(1)?;
            for table in root.tables(3)?.iter() {
                table?.table(0)?;
            }
            Ok(())
        };
        for cut in 0..whole.len() {
            let _ = read(&whole[..cut]);
        }
        for place in 0..whole.len() {
            for value in [0, 1, 4, 127, 128, 255] {
                let mut changed = whole.clone();
                changed[place] = value;
                let _ = read(&changed);
            }
        }
    }
}
